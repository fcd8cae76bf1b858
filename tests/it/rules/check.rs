//! What is a rule file, and what is none: loadgate and promtool agree, but where Prometheus 3 has changed its mind.

use std::fs;

use loadgate::rules::RuleFile;
use tempfile::TempDir;

use crate::stage::{loadgate, promtool};

/// Whether Prometheus 3 loads a file; `Only3` is what promtool 2.42 refuses as yet.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Verdict {
    Good,
    Bad,
    Only3,
}
use Verdict::{Bad, Good, Only3};

fn group(lines: &str) -> String {
    format!("groups:\n- name: g\n{lines}")
}

/// The keys of an alert after its name, one a line.
fn alert(lines: &[&str]) -> String {
    group(&format!("  rules:\n  - alert: A\n    {}\n", lines.join("\n    ")))
}

fn record(name: &str, lines: &[&str]) -> String {
    group(&format!("  rules:\n  - record: {name}\n    {}\n", lines.join("\n    ")))
}

fn files() -> Vec<(Verdict, String)> {
    let up = "expr: up == 0";
    vec![
        // Shapes.
        (Good, "groups: []\n".to_owned()),
        (Good, "groups:\n".to_owned()),
        (Good, "{}\n".to_owned()),
        (Good, "# nothing\n".to_owned()),
        (Good, group("")),
        (Good, group("  rules:\n")),
        (Good, group("  rules: []\n")),
        (Bad, "groups: {}\n".to_owned()),
        (Bad, "groups: text\n".to_owned()),
        (Bad, "- name: g\n".to_owned()),
        (Bad, group("  rules: up\n")),
        (Good, group("  rules:\n  -\n")),
        (Bad, "groups:\n- rules: []\n".to_owned()),
        (Bad, "groups:\n- name: ''\n".to_owned()),
        (Good, "groups:\n-\n".to_owned()),
        (Bad, "groups: [\n".to_owned()),
        (Good, "groups:\n- name: 5\n- name: true\n- name: a b/c\n".to_owned()),
        (Bad, "groups:\n- name: g\n- name: g\n".to_owned()),
        (Good, "groups:\n- name: g\n- name: G\n".to_owned()),
        (Good, "groups:\n- name: g\n---\ngroups: nonsense\n".to_owned()),
        (Good, "%YAML 1.1\n---\ngroups:\n- name: g\n".to_owned()),
        // Unknown and repeated keys.
        (Bad, "groups: []\nother: 1\n".to_owned()),
        (Bad, group("  intervals: 5s\n")),
        (Bad, group("  partial_response_strategy: warn\n")),
        (Bad, alert(&[up, "severity: page"])),
        (Bad, alert(&[up, up])),
        (Bad, "groups:\n- name: g\n  name: h\n".to_owned()),
        // Of groups.
        (Good, group("  interval: 5s\n")),
        (Good, group("  interval: 0\n")),
        (Good, group("  interval: 1h30m\n")),
        (Good, group("  interval:\n")),
        (Bad, group("  interval: 5\n")),
        (Bad, group("  interval: ''\n")),
        (Bad, group("  interval: 1.5m\n")),
        (Bad, group("  interval: 30s1m\n")),
        (Bad, group("  interval: 300y\n")),
        (Good, group("  limit: 5\n")),
        (Good, group("  limit: -1\n")),
        (Bad, group("  limit: '5'\n")),
        (Bad, group("  limit: many\n")),
        (Only3, group("  query_offset: 30s\n")),
        (Bad, group("  query_offset: soon\n")),
        (Only3, group("  labels: {team: a}\n")),
        (Bad, group("  labels: {__name__: a}\n")),
        (Bad, group("  labels: [a]\n")),
        // In the labels of a group no template is looked at.
        (Only3, group(&format!("  labels: {{team: '{{{{ $x'}}\n  rules:\n  - alert: A\n    {up}\n"))),
        // Alerts.
        (Good, alert(&[up])),
        (Good, alert(&[up, "for: 5m", "keep_firing_for: 1m"])),
        (Good, alert(&[up, "for: 0", "labels:", "annotations:"])),
        (Bad, alert(&[up, "for: 5"])),
        (Bad, alert(&[up, "for: -5s"])),
        (Bad, alert(&[up, "keep_firing_for: 1"])),
        (Good, alert(&[up, "labels: {severity: page, empty: '', number: 5, yes: no, none: }"])),
        (Good, alert(&[up, "labels: {_a1: x, alertname: other}"])),
        (Only3, alert(&[up, "labels: {per-cent: x}"])),
        (Only3, alert(&[up, "labels: {1a: x}"])),
        (Bad, alert(&[up, "labels: {'': x}"])),
        (Bad, alert(&[up, "labels: {__name__: x}"])),
        (Bad, alert(&[up, "labels: {a: [x]}"])),
        (Bad, alert(&[up, "labels: text"])),
        (Good, alert(&[up, "annotations: {summary: 'a {{ $value }}', b: ''}"])),
        (Only3, alert(&[up, "annotations: {run-book: x}"])),
        (Bad, alert(&[up, "annotations: {'': x}"])),
        (Good, group(&format!("  rules:\n  - alert: 'any name: {{}}'\n    {up}\n"))),
        (Bad, group(&format!("  rules:\n  - alert: ''\n    {up}\n"))),
        (Bad, group(&format!("  rules:\n  - {up}\n"))),
        (Bad, group(&format!("  rules:\n  - alert: A\n    record: b\n    {up}\n"))),
        (Good, group(&format!("  rules:\n  - alert: A\n    record: ''\n    {up}\n"))),
        // Duplicates are a lint of promtool's, and no error.
        (Good, group(&format!("  rules:\n  - alert: A\n    {up}\n  - alert: A\n    {up}\n"))),
        // Templates.
        (Bad, alert(&[up, "labels: {a: '{{ $labels.a'}"])),
        (Bad, alert(&[up, "annotations: {a: '{{ nope }}'}"])),
        (Bad, alert(&[up, "annotations: {a: '{{ $nope }}'}"])),
        (Bad, alert(&[up, "annotations: {a: '{{ if $value }}'}"])),
        (Bad, alert(&[up, "annotations: {a: '{{ end }}'}"])),
        (Good, alert(&[up, "annotations: {a: '{{ with query \"up\" }}{{ . | first | value | humanize }}{{ end }}'}"])),
        (Good, alert(&[up, "annotations: {a: '{{ define \"x\" }}y{{ end }}{{ template \"x\" }}'}"])),
        (Good, alert(&[up, "annotations: {a: '{{ range $i, $s := query \"up\" }}{{ $i }}{{ else }}none{{ end }}'}"])),
        // Expressions.
        (Bad, alert(&["for: 5m"])),
        (Bad, alert(&["expr:"])),
        (Bad, alert(&["expr: ''"])),
        (Bad, alert(&["expr: [up]"])),
        (Good, alert(&["expr: 1"])),
        (Good, alert(&["expr: true"])),
        (Good, alert(&["expr: '\"text\"'"])),
        (Good, alert(&["expr: up[5m]"])),
        (Good, alert(&["expr: |", "  sum by (job) (up)", "    / count by (job) (up)"])),
        (Good, alert(&["expr: >-", "  up", "  == 0"])),
        (Good, alert(&["expr: up # of Prometheus"])),
        (Bad, alert(&["expr: up ==="])),
        (Bad, alert(&["expr: sum(up"])),
        (Bad, alert(&["expr: rate(up)"])),
        (Bad, alert(&["expr: up[5m] > 1"])),
        (Bad, alert(&["expr: 1 == 2"])),
        (Bad, alert(&["expr: unknown_function(up)"])),
        (Bad, alert(&["expr: '{}'"])),
        (Bad, alert(&["expr: 'up{a=~\"[\"}'"])),
        (Bad, alert(&["expr: up and 1"])),
        // Recording rules.
        (Good, record("job:up:sum", &["expr: sum by (job) (up)", "labels: {a: '{{ not looked at'}"])),
        (Good, record("a", &[up, "for: 0s", "annotations: {}"])),
        (Bad, record("a", &[up, "for: 5m"])),
        (Bad, record("a", &[up, "keep_firing_for: 5m"])),
        (Bad, record("a", &[up, "annotations: {a: b}"])),
        (Bad, record("'up{a=\"b\"}'", &[up])),
        (Only3, record("a-b", &[up])),
        (Only3, record("'1a'", &[up])),
        (Bad, record("a", &[up, "labels: {__name__: b}"])),
        // Anchors.
        (Good, "groups:\n- name: g\n  rules:\n  - &a\n    alert: A\n    expr: &e up == 0\n  - <<: *a\n    alert: B\n  - alert: C\n    expr: *e\n".to_owned()),
        (Bad, alert(&["expr: *nowhere"])),
    ]
}

#[test]
fn rule_files_are_good_or_bad_as_prometheus_has_it() {
    let mut wrong = Vec::new();
    for (verdict, text) in files() {
        let said = match RuleFile::read("rules.yml", &text) {
            Ok(_) => String::new(),
            Err(problems) => problems.to_string(),
        };
        if said.is_empty() == (verdict == Bad) {
            wrong.push(format!("{verdict:?}:\n{text}{said}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn promtool_agrees_but_for_what_prometheus_3_has_added() {
    let folder = TempDir::new().unwrap();
    let mut wrong = Vec::new();
    for (verdict, text) in files() {
        let file = folder.path().join("rules.yml");
        fs::write(&file, &text).unwrap();
        let Some((code, said)) = promtool(&["check", "rules"], &file) else { return };
        if (code == 0) != (verdict == Good) {
            wrong.push(format!("{verdict:?}, but promtool ends with {code}:\n{text}{said}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn check_counts_what_is_good_warns_of_what_is_doubtful_and_ends_with_104_at_errors() {
    let folder = TempDir::new().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path
    };
    let good = write("good.yml", "groups:\n- name: g\n  rules:\n  - alert: A\n    expr: up == 0\n");
    let bad = write("bad.yml", "groups:\n- name: g\n  rules:\n  - alert: A\n    expr: up ===\n");
    let run = |command: &[&str], files: &[&std::path::Path]| {
        let output = loadgate().args(command).args(files).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    };
    // `check` knows rule files, too.
    for command in [&["rules", "check"][..], &["check"][..]] {
        let (code, stdout, stderr) = run(command, &[&good]);
        assert_eq!((code, stdout), (0, format!("{}: ok, 1 group, 1 rule\n", good.display())));
        assert!(stderr.starts_with("warning: the group `g` names no `interval`"), "{stderr}");
        let (code, stdout, stderr) = run(command, &[&bad, &good]);
        assert_eq!((code, stdout), (104, format!("{}: ok, 1 group, 1 rule\n", good.display())));
        assert!(stderr.contains("error: not a valid PromQL expression: "), "{stderr}");
    }
    let (code, _, stderr) = run(&["rules", "check"], &[&folder.path().join("none.yml")]);
    assert_eq!(code, 104);
    assert!(stderr.contains("error: failed to read the rule file "), "{stderr}");
}

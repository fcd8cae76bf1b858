//! Rule files: what is read, and what becomes of it.

use std::time::Duration;

use super::*;

fn read(text: &str) -> RuleFile {
    RuleFile::read("rules.yml", text).map_err(|problems| panic!("{problems}")).unwrap().file
}

fn texts(texts: &[(String, Templated)]) -> Vec<(&str, &str)> {
    texts.iter().map(|(name, text)| (name.as_str(), text.text())).collect()
}

#[test]
fn groups_and_rules_hold_what_is_written() {
    let file = read(
        "\
groups:
- name: g
  interval: 1m30s
  limit: 7
  query_offset: 10s
  labels: {team: a, b: group}
  rules:
  - alert: Down
    expr: |
      up
        == 0
    for: 5m
    keep_firing_for: 1h
    labels: {b: own, severity: page}
    annotations: {z: last, a: '{{ $value }}'}
  - record: job:up:sum
    expr: sum by (job) (up)
",
    );
    assert_eq!(file.path, "rules.yml");
    let [group] = &file.groups[..] else { panic!("{} groups", file.groups.len()) };
    assert_eq!((group.file.as_str(), group.name.as_str(), group.limit), ("rules.yml", "g", 7));
    assert_eq!(group.interval, Some(Duration::from_secs(90)));
    assert_eq!(group.query_offset, Some(Duration::from_secs(10)));
    let [down, sum] = &group.rules[..] else { panic!("{} rules", group.rules.len()) };
    assert_eq!((down.name.as_str(), down.line, down.query.text()), ("Down", 8, "up\n  == 0\n"));
    assert_eq!(texts(&down.labels), [("b", "own"), ("severity", "page"), ("team", "a")]);
    assert_eq!(down.label("severity"), Some("page"));
    let RuleKind::Alert { hold, keep_firing_for, annotations } = &down.kind else { panic!("{down:?}") };
    assert_eq!((*hold, *keep_firing_for), (Duration::from_mins(5), Duration::from_hours(1)));
    assert_eq!(texts(annotations), [("a", "{{ $value }}"), ("z", "last")]);
    assert!(!sum.is_alert());
    assert_eq!((sum.name.as_str(), sum.line), ("job:up:sum", 16));
    assert_eq!(texts(&sum.labels), [("b", "group"), ("team", "a")]);
}

#[test]
fn what_is_not_given_and_what_is_0_are_the_same() {
    let file = read("groups:\n- name: g\n  interval: 0s\n  limit: -3\n- name: h\n  query_offset:\n");
    assert_eq!((file.groups[0].interval, file.groups[0].limit), (None, 0));
    assert_eq!((file.groups[1].interval, file.groups[1].query_offset), (None, None));
}

#[test]
fn scalars_of_any_type_are_texts_as_they_are_written() {
    let file = read(
        "\
groups:
- name: 010
  rules:
  - alert: yes
    expr: 1
    labels: {number: 1.50, none: null, quoted: '5', truth: True}
",
    );
    let group = &file.groups[0];
    assert_eq!((group.name.as_str(), group.rules[0].name.as_str()), ("010", "yes"));
    let labels = [("none", ""), ("number", "1.50"), ("quoted", "5"), ("truth", "True")];
    assert_eq!(texts(&group.rules[0].labels), labels);
}

#[test]
fn a_file_of_a_megabyte_and_more_is_read() {
    let rule = "  - record: a_metric_with_a_long_name\n    expr: sum by (job) (rate(another_metric_with_a_long_name[5m]))\n    labels: {a: b}\n";
    let text = format!("groups:\n- name: g\n  interval: 1m\n  rules:\n{}", rule.repeat(10_000));
    assert!(text.len() > 1 << 20);
    assert_eq!(read(&text).groups[0].rules.len(), 10_000);
}

#[test]
fn a_hostile_text_is_refused_at_once() {
    let bomb: String =
        (0..40).map(|n| format!("a{}: &a{} [{}]\n", n + 1, n + 1, format!("*a{n},").repeat(9))).collect();
    let problems = RuleFile::read("rules.yml", &format!("a0: &a0 [x]\n{bomb}")).unwrap_err();
    assert!(problems.to_string().contains("counting what aliases repeat"), "{problems}");
    let long = "#".repeat(RuleFile::MAX_BYTES + 1);
    let problems = RuleFile::read("rules.yml", &long).unwrap_err();
    assert!(problems.to_string().contains("more than the 16777216 that are read"), "{problems}");
}

//! The rule files: accepted without a doubt, tested alert by alert, labels from closed sets, windows as their heads say.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use loadgate::rules::RuleKind;
use regex::Regex;

use super::{alerts, files, gate, read, rule_files, stem};
use crate::stage::{loadgate, promtool};

const SEVERITIES: [&str; 5] = ["critical", "warning", "info", "page", "none"];
const GATES: [&str; 3] = ["fail", "inconclusive", "none"];

#[test]
fn promtool_has_nothing_to_say_of_the_rules_and_passes_their_tests() {
    for path in files("rules", "yml") {
        let Some((code, said)) = promtool(&["check", "rules", "--lint=all", "--lint-fatal"], &path) else {
            return;
        };
        assert!(code == 0 && said.contains("SUCCESS"), "{said}");
    }
    for path in files("tests", "yml") {
        let Some((code, said)) = promtool(&["test", "rules"], &path) else { return };
        assert_eq!(code, 0, "{said}");
    }
}

#[test]
fn loadgate_has_nothing_to_say_of_the_rules_and_passes_their_tests() {
    for (command, folder) in [("check", "rules"), ("test", "tests")] {
        let output = loadgate().args(["rules", command]).args(files(folder, "yml")).output().unwrap();
        let said = String::from_utf8([output.stdout, output.stderr.clone()].concat()).unwrap();
        assert!(output.status.success() && output.stderr.is_empty(), "{said}");
    }
}

/// Of each test file: the alerts that are once seen firing, and those that are once seen silent.
fn tested(path: &Path) -> (BTreeSet<String>, BTreeSet<String>) {
    let (mut firing, mut silent) = (BTreeSet::new(), BTreeSet::new());
    let mut alert = "";
    let text = read(path);
    for line in text.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix("alertname: ") {
            alert = name;
        } else if line == "exp_alerts: []" {
            silent.insert(alert.to_owned());
        } else if line == "exp_alerts:" {
            firing.insert(alert.to_owned());
        }
    }
    (firing, silent)
}

#[test]
fn each_alert_is_tested_firing_and_silent() {
    let tests: BTreeMap<String, _> =
        files("tests", "yml").iter().map(|path| (stem(path), tested(path))).collect();
    let rules: BTreeSet<String> = rule_files().into_iter().map(|(name, ..)| name).collect();
    assert_eq!(tests.keys().cloned().collect::<BTreeSet<_>>(), rules, "a test file for each rule file");
    for (file, rule) in alerts() {
        let (firing, silent) = &tests[&file];
        assert!(firing.contains(&rule.name), "{} is never seen firing", rule.name);
        // It is always firing, and that is what it is for.
        assert!(rule.name == "Watchdog" || silent.contains(&rule.name), "{} is never seen silent", rule.name);
    }
}

#[test]
fn labels_are_of_the_closed_sets_and_groups_have_an_interval() {
    for (name, _, file) in rule_files() {
        for group in &file.groups {
            assert!(group.name == format!("loadgate-{name}"), "{name}: group {}", group.name);
            let interval = group.interval.unwrap_or_else(|| panic!("{name}: no interval"));
            assert!((1..=5).contains(&interval.as_secs()), "{name}: runs last minutes, not {interval:?}");
            for rule in &group.rules {
                let severity = rule.label("severity").unwrap_or_else(|| panic!("{}: no severity", rule.name));
                assert!(SEVERITIES.contains(&severity), "{}: {severity}", rule.name);
                assert!(rule.label("gate").is_none_or(|gate| GATES.contains(&gate)), "{}", rule.name);
                assert!(rule.label("abort").is_none_or(|abort| abort == "true"), "{}", rule.name);
                let others =
                    rule.labels.iter().find(|(label, _)| !["severity", "gate", "abort"].contains(&&**label));
                assert!(others.is_none(), "{}: {others:?}", rule.name);
            }
        }
    }
}

/// The daemon applies an explicit gate to every run, and limits are the plan's business.
#[test]
fn no_rule_judges_runs_whose_plan_does_not_ask_for_it() {
    for (file, rule) in alerts() {
        match rule.label("gate") {
            None | Some("none") => {}
            // It would be wrong to trust any run of which this holds, or the run asks for it by a tag.
            Some("inconclusive") if file == "generator" || rule.query.text().contains("{goal=") => {}
            Some(gate) => panic!("{}: {gate}", rule.name),
        }
    }
}

fn duration(text: &str) -> Duration {
    let (number, unit) = text.split_at(text.len() - 1);
    let unit = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        _ => panic!("{text}"),
    };
    Duration::from_secs(number.parse::<u64>().unwrap() * unit)
}

#[test]
fn the_head_of_a_file_says_how_long_a_run_must_be() {
    let claim = Regex::new(r"# Needs a judged window of (\d+[smh])").unwrap();
    let window = Regex::new(r"\[(\d+[smh])\]").unwrap();
    for (name, text, file) in rule_files() {
        let gates = file.groups.iter().flat_map(|group| &group.rules).filter(|rule| gate(rule) != "none");
        let needed = gates.map(|rule| {
            let RuleKind::Alert { hold, .. } = &rule.kind else { panic!("{} is no alert", rule.name) };
            let windows = window.captures_iter(rule.query.text()).map(|found| duration(&found[1]));
            windows.max().unwrap_or_default() + *hold
        });
        let Some(needed) = needed.max() else { continue };
        let claim =
            claim.captures(&text).unwrap_or_else(|| panic!("{name}: the head does not say what it needs"));
        assert!(duration(&claim[1]) >= needed, "{name}: needs {needed:?}, and says {}", &claim[1]);
    }
}

//! Unit tests of rules: loadgate and promtool agree on what passes and what fails.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::cases::{Case, Verdict, cases};
use crate::stage::{loadgate, promtool};

fn write(folder: &Path, case: &Case) {
    for (name, text) in [("rules.yml", &case.rules), ("tests.yml", &case.tests)] {
        fs::write(folder.join(name), text).unwrap();
    }
}

/// Exit code and everything that was said.
fn run(file: &Path) -> (i32, String) {
    let output = loadgate().args(["rules", "test"]).arg(file).output().unwrap();
    (output.status.code().unwrap(), String::from_utf8([output.stdout, output.stderr].concat()).unwrap())
}

#[test]
fn tests_pass_and_fail_as_they_should() {
    let mut wrong = Vec::new();
    for case in cases() {
        let folder = TempDir::new().unwrap();
        write(folder.path(), &case);
        let (code, said) = run(&folder.path().join("tests.yml"));
        let expected = match case.verdict {
            Verdict::Pass | Verdict::Only3 => 0,
            Verdict::Fail | Verdict::Only2 => 99,
            Verdict::Invalid => 104,
        };
        if code != expected {
            wrong.push(format!("{}: expected {expected}, ended with {code}\n{said}", case.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn promtool_passes_and_fails_the_same_tests_but_for_what_prometheus_3_has_changed() {
    let mut wrong = Vec::new();
    for case in cases() {
        let folder = TempDir::new().unwrap();
        write(folder.path(), &case);
        let Some((code, said)) = promtool(&["test", "rules"], &folder.path().join("tests.yml")) else {
            return;
        };
        let passes = matches!(case.verdict, Verdict::Pass | Verdict::Only2);
        if (code == 0) != passes {
            wrong.push(format!("{}: {:?}, but promtool ends with {code}\n{said}", case.name, case.verdict));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_differs_is_said_line_by_line() {
    let rules = "\
groups:
- name: g
  rules:
  - alert: High
    expr: x > 5
    labels: {severity: page}
    annotations: {summary: 'x is {{ $value }}'}
  - alert: Later
    expr: x > 5
    for: 10m
";
    let tests = "\
rule_files: [rules.yml]
tests:
- name: everything is wrong
  input_series:
  - {series: 'x{a=\"1\"}', values: 6 6 6}
  - {series: 'x{a=\"2\"}', values: 7 7 7}
  - {series: 'x{a=\"3\"}', values: 8 8 8}
  alert_rule_test:
  - eval_time: 2m
    alertname: High
    exp_alerts:
    - exp_labels: {severity: page, a: '1'}
      exp_annotations: {summary: x is 6}
    - exp_labels: {severity: page, a: '2'}
      exp_annotations: {summary: x is 6, runbook: none}
    - exp_labels: {severity: page, a: '4'}
  - eval_time: 2m
    alertname: Later
    exp_alerts:
    - exp_labels: {a: '1'}
  promql_expr_test:
  - expr: x
    eval_time: 1m
    exp_samples:
    - {labels: 'x{a=\"1\"}', value: 6}
    - {labels: 'x{a=\"2\"}', value: 6}
    - {labels: 'x{a=\"4\"}', value: 9}
";
    let folder = TempDir::new().unwrap();
    write(folder.path(), &Case::new("", Verdict::Fail, rules, tests));
    let file = folder.path().join("tests.yml");
    let (code, said) = run(&file);
    let expected = "\
FILE: FAILED
  line 9, test `everything is wrong`: alert `High` at 2m
      {a=\"1\", alertname=\"High\", severity=\"page\"}  fires as expected
    ~ {a=\"2\", alertname=\"High\", severity=\"page\"}  fires with other annotations
        - runbook: \"none\"
        - summary: \"x is 6\"
        + summary: \"x is 7\"
    - {a=\"4\", alertname=\"High\", severity=\"page\"}  is expected, but it does not fire
    + {a=\"3\", alertname=\"High\", severity=\"page\"}  fires, but is not expected
          summary: \"x is 8\"
  line 17, test `everything is wrong`: alert `Later` at 2m
    - {a=\"1\", alertname=\"Later\"}  is expected, but it is pending, for 2m so far
  line 22, test `everything is wrong`: query `x` at 1m
      {__name__=\"x\", a=\"1\"} 6  as expected
    ~ {__name__=\"x\", a=\"2\"} 6  is expected, but it is 7
    - {__name__=\"x\", a=\"4\"} 9  is expected, but not there
    + {__name__=\"x\", a=\"3\"} 8  is there, but not expected
";
    assert_eq!(said, expected.replace("FILE", &file.display().to_string()));
    assert_eq!(code, 99);
}

#[test]
fn rule_files_are_found_by_patterns_from_the_folder_of_the_test() {
    let folder = TempDir::new().unwrap();
    let below = folder.path().join("rules [a]/tests");
    fs::create_dir_all(&below).unwrap();
    for (name, record) in [("one.yml", "one"), ("two.yml", "two"), ("three.txt", "three")] {
        let rules = format!("groups:\n- name: g\n  rules:\n  - record: {record}\n    expr: '1'\n");
        fs::write(below.parent().unwrap().join(name), rules).unwrap();
    }
    let case = |patterns: &str| {
        format!(
            "rule_files: {patterns}\ntests:\n- promql_expr_test:\n  - expr: count({{__name__=~\"one|two|three\"}})\n    eval_time: 1m\n    exp_samples: [{{labels: '{{}}', value: 2}}]\n"
        )
    };
    let file = below.join("tests.yml");
    for patterns in ["['../*.yml']", "[../one.yml, ../two.yml, ../one.yml]", "['../t[w]o.yml', '../on?.yml']"]
    {
        fs::write(&file, case(patterns)).unwrap();
        let (code, said) = run(&file);
        assert_eq!((code, said), (0, format!("{}: SUCCESS, 1 test\n", file.display())), "{patterns}");
    }
    fs::write(&file, case("['../*.yml', ../none.yml]")).unwrap();
    let (code, said) = run(&file);
    assert_eq!(code, 0);
    assert!(said.contains("no rule file matches `../none.yml`"), "{said}");
}

#[test]
fn an_invalid_file_ends_with_104_and_a_failed_test_beside_it_with_99() {
    let folder = TempDir::new().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path
    };
    let failing = file(
        "failing.yml",
        "tests:\n- promql_expr_test:\n  - {expr: '1', eval_time: 1m, exp_samples: [{labels: '{}', value: 2}]}\n",
    );
    let invalid = file("invalid.yml", "test: []\n");
    let bad_rules = file("bad-rules.yml", "groups: nonsense\n");
    let of_bad_rules = file("of-bad-rules.yml", "rule_files: [bad-rules.yml]\ntests: []\n");
    assert!(bad_rules.exists());
    let code =
        |files: &[&Path]| loadgate().args(["rules", "test"]).args(files).output().unwrap().status.code();
    assert_eq!(code(&[&invalid]), Some(104));
    assert_eq!(code(&[&of_bad_rules]), Some(104));
    assert_eq!(code(&[&failing]), Some(99));
    assert_eq!(code(&[&failing, &invalid]), Some(99));
}

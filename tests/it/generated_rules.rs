//! `loadgate rules generate`: against a golden file, read back, and as promtool sees it.
//!
//! `UPDATE_GOLDEN=1` writes the golden file anew; read the difference before it is believed.

use std::fs;
use std::path::{Path, PathBuf};

use loadgate::config::{self, LoadOptions};
use loadgate::plan::{self, Plan};
use loadgate::rules::RuleFile;
use tempfile::TempDir;

use crate::stage::{loadgate, promtool};

const SHOP: &str = r#"
name: shop
probes: {hz: {query: backend_loop_hz}}
scrape: [{job: backend, url: "http://localhost:4000/metrics"}]
scenarios:
  chat:
    executor: constant-vus
    duration: 1m
    flow:
      - http: {url: "http://localhost:4000/orders/{{ vu }}", record: {queue: status, reply_time: duration}}
metrics: {queue: {type: gauge}, reply_time: {type: trend, time: true}}
thresholds:
  http_req_duration{expected_response:true}: ["p(95)<500", "p(99.9)<=1.5s", "avg<100", "max<2s", "med>1ms"]
  "http_req_failed{name:/orders/{{ vu }}}": ["rate<1%"]
  http_reqs{status:503}: ["count<10", "rate<0.5"]
  reply_time: [{threshold: "p(90)<10s", abort_on_fail: true, delay_abort_eval: 10s}]
  queue: ["value<100"]
  hz: ["avg>95", "min>90", "value<=105"]
  ws_connected: ["value==0"]
slo:
  - {name: publish, metric: http_req_duration, target: p(95)<3s, critical: p(95)<10s}
"#;

fn compiled(name: &str, text: &str, base: &Path) -> Plan {
    let loaded = config::read(name, text, &LoadOptions::default());
    loaded.and_then(|loaded| plan::compile(&loaded, base)).unwrap_or_else(|problems| panic!("{problems}"))
}

/// `promtool check rules` accepts it.
fn check_rules_with_promtool(file: &str) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("generated.rules.yml");
    fs::write(&path, file).unwrap();
    let Some((code, said)) = promtool(&["check", "rules"], &path) else { return };
    assert!(code == 0 && !said.contains("duplicate"), "{said}\n{file}");
}

fn golden(name: &str, found: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, found).unwrap();
    }
    assert_eq!(fs::read_to_string(&path).unwrap_or_default(), found, "{name}");
}

#[test]
fn a_plan_of_all_kinds_of_thresholds() {
    let file = compiled("shop.yml", SHOP, Path::new(".")).threshold_rules.rule_file();
    check_rules_with_promtool(&file);
    golden("generated.rules.yml", &file);
}

#[test]
fn a_plan_with_a_warmup_asks_what_was_found() {
    let file =
        compiled("shop.yml", &format!("{SHOP}warmup: 10s\n"), Path::new(".")).threshold_rules.rule_file();
    check_rules_with_promtool(&file);
    golden("generated-warmup.rules.yml", &file);
}

#[test]
fn the_rules_of_every_plan_are_accepted_by_promtool_and_by_ourselves() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/plans");
    let entries = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let plans: Vec<PathBuf> = entries.filter(|path| path.extension().is_some_and(|it| it == "yml")).collect();
    assert!(plans.len() >= 10);
    for path in plans {
        let plan = compiled(&path.display().to_string(), &fs::read_to_string(&path).unwrap(), &folder);
        let file = plan.threshold_rules.rule_file();
        check_rules_with_promtool(&file);
        let read =
            RuleFile::read("generated.yml", &file).unwrap_or_else(|problems| panic!("{problems}\n{file}"));
        assert!(read.warnings.list.is_empty(), "{}\n{file}", read.warnings.as_warnings());
        let alerts: usize = read.file.groups.iter().map(|group| group.rules.len()).sum();
        let aborts = plan.thresholds.iter().filter(|threshold| threshold.abort_after.is_some()).count();
        assert_eq!(alerts, plan.thresholds.len() + aborts, "{}", path.display());
    }
}

#[test]
fn the_command_prints_the_file_and_refuses_a_plan_that_is_none() {
    let shown = loadgate().args(["rules", "generate", "config/plans/health.yml"]).output().unwrap();
    let text = String::from_utf8(shown.stdout).unwrap();
    assert!(shown.status.success() && text.contains("  - name: \"loadgate/health\"\n"), "{text}");
    let refused = loadgate().args(["rules", "generate", "tests/bad-plans/name-bad.yml"]).output().unwrap();
    assert_eq!(refused.status.code(), Some(104));
}

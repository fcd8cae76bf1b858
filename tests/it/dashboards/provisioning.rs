//! What Grafana and Prometheus are given beside the dashboards: it agrees with them, and with each other.

use std::fs;
use std::path::Path;

use loadgate::dashboard::{SHIPPED, Shipped};
use tempfile::TempDir;

use crate::stage::promtool;

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// The value of a key in YAML that is written one key a line; with several, all of them.
fn values<'a>(yaml: &'a str, key: &str) -> Vec<&'a str> {
    let lines = yaml.lines().map(|line| line.trim().trim_start_matches("- "));
    let values = lines.filter_map(|line| line.strip_prefix(key)?.strip_prefix(": "));
    values.map(|value| value.split(" #").next().unwrap().trim()).collect()
}

#[test]
fn sources_have_the_interval_that_prometheus_scrapes_with_and_dashboards_find_the_default() {
    let sources = read("grafana/provisioning/datasources/loadgate.yml");
    let prometheus = read("prometheus/prometheus.yml");
    let interval = values(&prometheus, "scrape_interval")[0];
    assert_eq!(values(&sources, "timeInterval"), [interval; 2], "$__rate_interval is made of it");
    assert_eq!(values(&sources, "uid"), ["prometheus", "loadgate", "alertmanager"]);
    assert_eq!(values(&sources, "isDefault"), ["true", "false", "false"]);
    assert_eq!(values(&sources, "httpMethod"), ["POST"; 2]);
    assert!(values(&sources, "editable").iter().all(|editable| *editable == "false"));
    assert_eq!(values(&sources, "httpHeaderValue1"), ["Bearer $LOADGATE_TOKEN"], "no token stands in a file");
}

#[test]
fn dashboards_are_loaded_from_files_that_grafana_does_not_change() {
    let provider = read("grafana/provisioning/dashboards/loadgate.yml");
    assert_eq!(values(&provider, "disableDeletion"), ["true"]);
    assert_eq!(values(&provider, "allowUiUpdates"), ["false"]);
    assert_eq!(values(&provider, "path"), ["/var/lib/grafana/dashboards"]);
    let home = provider.lines().find_map(|line| line.split_once("DEFAULT_HOME_DASHBOARD_PATH=")).unwrap().1;
    let uid = Path::new(home).file_stem().unwrap().to_str().unwrap();
    assert_eq!(Shipped::of(uid), Some(SHIPPED[0]));
}

/// With the rules where docker-compose.yml mounts them.
#[test]
fn promtool_accepts_the_configuration_of_prometheus_with_the_rules() {
    let folder = TempDir::new().unwrap();
    fs::create_dir(folder.path().join("rules")).unwrap();
    let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("alerting/rules");
    let mut count = 0;
    for entry in rules.read_dir().unwrap().map(Result::unwrap) {
        fs::copy(entry.path(), folder.path().join("rules").join(entry.file_name())).unwrap();
        count += 1;
    }
    let file = folder.path().join("prometheus.yml");
    fs::write(&file, read("prometheus/prometheus.yml")).unwrap();
    let Some((code, said)) = promtool(&["check", "config", "--lint=all"], &file) else { return };
    assert_eq!(code, 0, "{said}");
    assert_eq!(said.matches("rules found").count(), count, "{said}");
    assert!(!said.contains("FAILED"), "{said}");
}

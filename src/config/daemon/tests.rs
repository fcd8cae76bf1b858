//! The daemon's file: what is read, what holds without it, and that its schema fits what is read.

use chrono::{TimeZone as _, Utc};
use serde_json::Value as Json;

use super::*;

fn read(text: &str) -> DaemonConfig {
    DaemonConfig::read("loadgate.yml", text).unwrap_or_else(|problems| panic!("{text}\n{problems}"))
}

fn refusal(text: &str) -> String {
    DaemonConfig::read("loadgate.yml", text)
        .map(|_| String::new())
        .unwrap_or_else(|problems| problems.to_string())
}

const WHOLE: &str = r#"
listen: 0.0.0.0:5665
allowed_hosts: [localhost, Load.Example.com, "::1"]
data_dir: /var/lib/loadgate
plans: [config/plans, one.yml]
rule_files: [alerting/rules/*.yml]
schedules:
  - {plan: chat-streaming, profile: load, cron: "0 3 * * *", timezone: Europe/Berlin, overlap: queue, missed: run_once, env: {VUS: 10}}
  - {plan: chat-streaming, cron: "*/15 8-18 * * MON-FRI"}
prometheus: {url: "http://prometheus:9090", judge: true}
alertmanager: {urls: ["http://alertmanager:9093"]}
targets: {allow: [localhost, "*.staging.example.com", 10.0.0.0/8, "fd00::1"]}
limits: {max_vus: 20, max_rate: 0.5, max_duration: 10m, max_concurrent_runs: 2, max_queued: 0}
auth: {token_file: loadgate.tokens}
memory: {store: 64MiB}
retention: {runs: 7d}
expose_env: [PG_URL]
allow_exec: true
on_disk_error: stop
"#;

#[test]
fn every_key_is_read() {
    let config = read(WHOLE);
    assert_eq!(config.listen.value.to_string(), "0.0.0.0:5665");
    assert_eq!(config.allowed_hosts, ["localhost", "load.example.com", "[::1]"]);
    assert_eq!(config.data_dir.value, PathBuf::from("/var/lib/loadgate"));
    let plans: Vec<_> = config.plans.iter().map(|plan| plan.value.display().to_string()).collect();
    assert_eq!(plans, ["config/plans", "one.yml"]);
    assert_eq!(config.rule_files[0].value, "alerting/rules/*.yml");
    let [nightly, hourly] = config.schedules.as_slice() else { panic!("{:?}", config.schedules) };
    assert_eq!(
        (nightly.name.value.as_str(), hourly.name.value.as_str()),
        ("chat-streaming/load", "chat-streaming")
    );
    assert_eq!((nightly.overlap, nightly.missed), (Overlap::Queue, Missed::RunOnce));
    assert_eq!((hourly.overlap, hourly.missed), (Overlap::Skip, Missed::Skip));
    assert_eq!(nightly.env, [("VUS".to_owned(), "10".to_owned())]);
    assert_eq!(
        (nightly.timezone.to_string(), hourly.timezone.to_string()),
        ("Europe/Berlin".into(), "UTC".into())
    );
    let prometheus = config.prometheus.unwrap();
    assert_eq!((prometheus.url.value.as_str(), prometheus.judge), ("http://prometheus:9090", true));
    assert_eq!(config.alertmanagers[0].value, "http://alertmanager:9093");
    let allowed: Vec<String> = config.allow.iter().map(ToString::to_string).collect();
    assert_eq!(allowed, ["localhost", "*.staging.example.com", "10.0.0.0/8", "fd00::1"]);
    let limits = DaemonLimits {
        max_vus: 20,
        max_rate: 0.5,
        max_duration: Duration::from_secs(600),
        max_concurrent_runs: 2,
        max_queued: 0,
    };
    assert_eq!(config.limits, limits);
    assert_eq!(config.token_file.unwrap().value, PathBuf::from("loadgate.tokens"));
    assert_eq!((config.store_bytes, config.keep_runs), (64 << 20, Duration::from_secs(7 * 86_400)));
    assert_eq!((config.expose_env, config.allow_exec), (vec!["PG_URL".to_owned()], true));
    assert_eq!(config.on_disk_error, OnDiskError::Stop);
}

/// All but the source, which is the file itself.
fn shown(config: DaemonConfig) -> String {
    let place = |at: &mut At<PathBuf>| at.place = Place::default();
    let mut config = config;
    config.listen.place = Place::default();
    place(&mut config.data_dir);
    config.plans.iter_mut().for_each(place);
    config.rule_files.iter_mut().for_each(|file| file.place = Place::default());
    config.source = DaemonConfig::default().source;
    format!("{config:#?}")
}

#[test]
fn an_empty_mapping_and_the_shipped_file_are_the_defaults() {
    let shipped = include_str!("../../../config/loadgate.yml");
    assert_eq!(shown(read("{}")), shown(DaemonConfig::default()));
    assert_eq!(shown(read(shipped)), shown(DaemonConfig::default()));
}

#[test]
fn the_comments_of_the_shipped_file_are_right() {
    let shipped = include_str!("../../../config/loadgate.yml");
    let uncommented: Vec<&str> = shipped
        .lines()
        .filter(|line| *line != "schedules: []")
        .map(|line| line.strip_prefix("# prom").map_or(line, |_| &line[2..]))
        .map(|line| line.strip_prefix("# alert").map_or(line, |_| &line[2..]))
        .collect();
    let text =
        uncommented.join("\n").replace("\n#  ", "\n  ").replacen("  - plan", "schedules:\n  - plan", 1);
    let config = read(&text);
    assert_eq!(config.schedules.len(), 1, "{text}");
    assert!(config.prometheus.is_some() && config.alertmanagers.len() == 1, "{text}");
}

#[test]
fn a_schedule_is_due_in_its_timezone() {
    let config = read(r#"schedules: [{plan: a, cron: "30 2 * * *", timezone: Europe/Berlin}]"#);
    let schedule = &config.schedules[0];
    let after = schedule
        .timezone
        .0
        .from_utc_datetime(&Utc.with_ymd_and_hms(2026, 7, 1, 12, 0, 0).unwrap().naive_utc());
    let next = schedule.cron.find_next_occurrence(&after, false).unwrap();
    assert_eq!(next.to_rfc3339(), "2026-07-02T02:30:00+02:00");
}

#[test]
fn only_loopback_may_listen_without_tokens() {
    for (listen, refused) in [
        ("127.0.0.1:5665", false),
        ("127.9.9.9:1", false),
        ("[::1]:5665", false),
        ("[::ffff:127.0.0.1]:5665", false),
        ("localhost:5665", false),
        ("0.0.0.0:5665", true),
        ("[::]:5665", true),
        ("10.0.0.1:5665", true),
    ] {
        let without = refusal(&format!("listen: '{listen}'"));
        assert_eq!(without.contains("that needs tokens"), refused, "{listen}: {without}");
        assert_eq!(refusal(&format!("listen: '{listen}'\nauth: {{token_file: t}}")), "");
    }
    assert!(check_listen("0.0.0.0:1".parse().unwrap(), false).unwrap_err().contains("token_file"));
    assert_eq!(check_listen("0.0.0.0:1".parse().unwrap(), true), Ok(()));
}

#[test]
fn a_file_is_known_by_its_keys() {
    for (text, meant) in [
        (WHOLE, true),
        (include_str!("../../../config/loadgate.yml"), true),
        ("name: a\nscenarios: {}\nplans: []\n", false),
        ("groups:\n  - name: a\n", false),
        ("limits: {rps: 1}\n", false),
        ("", false),
    ] {
        assert_eq!(DaemonConfig::is_meant_by(text), meant, "{text}");
    }
}

#[test]
fn the_schema_has_each_key_that_is_read_and_no_filling() {
    let schema = DaemonConfig::schema();
    assert!(!schema.to_string().contains("filled"), "{schema:#}");
    for definition in
        ["schedule", "prometheus", "alertmanager", "targets", "limits", "auth", "memory", "retention"]
    {
        let properties = schema["$defs"][definition]["properties"].as_object();
        assert!(properties.is_some_and(|properties| !properties.is_empty()), "{definition}: {schema:#}");
    }
    let keys = schema["$defs"]["config"]["properties"].as_object().unwrap();
    let tree = yaml::read(WHOLE, &mut Vec::new()).unwrap();
    let written: Vec<&str> = tree.entries().unwrap().iter().map(|(key, _)| key.value.as_str()).collect();
    let mut described: Vec<&str> = keys.keys().map(String::as_str).collect();
    described.sort_unstable();
    let mut sorted = written;
    sorted.sort_unstable();
    assert_eq!(described, sorted);
    assert_eq!(keys["limits"]["anyOf"].as_array().map(Vec::len), Some(2), "{}", keys["limits"]);
    assert_eq!(schema["$defs"]["limits"]["properties"]["max_vus"]["default"], Json::from(20_000));
}

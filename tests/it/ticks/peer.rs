//! A Prometheus that scrapes each second and evaluates rule groups, and what it held when it ended.
//!
//! When a group is evaluated within its interval is a hash of its name, and when a target is scraped one of its
//! address. Names are chosen so that no group is evaluated while a scrape may be under way. Around its own rules each
//! group has two that record which samples it sees, so that what was visible at a tick is known, not assumed.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::process::Command;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use loadgate::labels::Labels;
use loadgate::promql::{Point, STALE};
use loadgate::rules::RuleFile;
use serde_json::Value;
use tempfile::TempDir;

use crate::stage::Prometheus;

/// Recorded by the first and the last rule of each group: when each target's last visible scrape was.
pub(super) const SEEN: [&str; 2] = ["seen_first", "seen_last"];

const CANDIDATES: usize = 120;
/// How long before and after the beginning of a scrape no group is evaluated.
const BEFORE_SCRAPE_MS: i64 = 30;
const AFTER_SCRAPE_MS: i64 = 250;
const APART_MS: i64 = 5;

pub(super) struct Peer {
    server: Prometheus,
    jobs: Vec<&'static str>,
    /// As Prometheus and we read them.
    rules: String,
    polled: Vec<Value>,
}

/// All that was scraped and written, with exact times.
pub(super) struct Recording {
    pub(super) rules: RuleFile,
    /// By job; staleness markers included, in the order of their times.
    pub(super) scraped: BTreeMap<String, Vec<(Labels, Point)>>,
    /// What the rules of all groups gave, by the moment of evaluation.
    pub(super) outputs: BTreeMap<i64, BTreeMap<Labels, f64>>,
    pub(super) polled: Vec<Value>,
}

impl Peer {
    /// `rules` are texts of rule files, written as those in `alerting/` are; they are loaded on return. Only of groups
    /// that it loads as it starts does Prometheus withhold the first `ALERTS`; these come later, and have all of them.
    pub(super) fn start(targets: &[(&'static str, SocketAddr)], rules: &[String]) -> Option<Self> {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("rules.yml");
        let scrapes: String = targets
            .iter()
            .map(|(job, address)| {
                format!("- {{job_name: {job}, static_configs: [{{targets: ['{address}']}}]}}\n")
            })
            .collect();
        let config = format!(
            "global: {{scrape_interval: 1s, scrape_timeout: 1s, external_labels: {{region: lab}}}}\n\
             rule_files: [{}]\nscrape_configs:\n{scrapes}",
            file.display()
        );
        std::fs::write(&file, candidates()).unwrap();
        let server = Prometheus::start(folder, &config, &["--web.enable-lifecycle"])?;
        let jobs: Vec<&str> = targets.iter().map(|(job, _)| *job).collect();
        let mut peer = Peer { server, jobs, rules: String::new(), polled: Vec::new() };
        let wanted = rules.iter().flat_map(|text| text.lines()).filter(|line| is_group(line)).count();
        let names = peer.chosen(wanted);
        peer.rules = with_names(rules, &names);
        std::fs::write(&file, &peer.rules).unwrap();
        peer.server.reload();
        Some(peer)
    }

    /// Names of groups that are evaluated well apart from the scrapes and from each other.
    fn chosen(&self, wanted: usize) -> Vec<String> {
        let patience = Instant::now() + Duration::from_secs(30);
        let (scrapes, groups) = loop {
            let scrapes =
                self.phases("count_over_time(up[5s]) >= 3 and timestamp(up)", "timestamp(up)", "job");
            let groups = self.phases("candidate", "timestamp(candidate)", "group");
            if scrapes.len() == self.jobs.len() && groups.len() == CANDIDATES {
                break (scrapes, groups);
            }
            assert!(Instant::now() < patience, "prometheus scrapes {scrapes:?} and evaluates {groups:?}");
            std::thread::sleep(Duration::from_millis(100));
        };
        let mut taken = BTreeSet::from([0, 1000]);
        let mut names = Vec::new();
        for (name, phase) in groups {
            let clear = |scrape: &i64| {
                (AFTER_SCRAPE_MS..1000 - BEFORE_SCRAPE_MS).contains(&(phase - scrape).rem_euclid(1000))
            };
            let apart = |other: &i64| (phase - other).abs() >= APART_MS;
            if scrapes.values().all(clear) && taken.iter().all(apart) {
                taken.insert(phase);
                names.push(name);
            }
        }
        assert!(
            names.len() >= wanted,
            "{} of {wanted} groups at {taken:?}, scrapes {scrapes:?}",
            names.len()
        );
        names
    }

    /// Within a second, by the value of a label; empty until `ready` gives something.
    fn phases(&self, ready: &str, expression: &str, label: &str) -> BTreeMap<String, i64> {
        if self.server.query(ready).len() < self.jobs.len() {
            return BTreeMap::new();
        }
        let found = self.server.query(expression);
        let phase = |(labels, at): (Value, f64)| (text(&labels[label]), millis(at).rem_euclid(1000));
        found.into_iter().map(phase).collect()
    }

    /// Looks at the alerts, to be called now and then; until `done`.
    pub(super) fn watch(&mut self, mut done: impl FnMut() -> bool) {
        while !done() {
            self.polled.push(self.server.ask("rules", &[("type", "alert")]));
            std::thread::sleep(Duration::from_millis(150));
        }
    }

    pub(super) fn end(self) -> Recording {
        let folder = self.server.end();
        let stale = dumped_nan(&folder);
        let held = Prometheus::start(folder, "global: {}\n", &[]).unwrap();
        let numbers = everything(&held);
        let rules =
            RuleFile::read("rules.yml", &self.rules).unwrap_or_else(|problems| panic!("{problems}")).file;
        let written = |name: &str| {
            let mut rules = rules.groups.iter().flat_map(|group| &group.rules);
            ["ALERTS", "ALERTS_FOR_STATE"].contains(&name) || rules.any(|rule| rule.name == name)
        };
        let mut recording = Recording {
            scraped: BTreeMap::new(),
            outputs: BTreeMap::new(),
            polled: self.polled,
            rules: rules.clone(),
        };
        for (labels, at_ms) in stale {
            if !written(labels.value("__name__").unwrap()) && !numbers.contains_key(&(labels.clone(), at_ms))
            {
                recording.scraped(labels, Point { at_ms, value: STALE }, &self.jobs);
            }
        }
        for ((labels, at_ms), value) in numbers {
            if written(labels.value("__name__").unwrap()) {
                recording.outputs.entry(at_ms).or_default().insert(labels, value);
            } else {
                recording.scraped(labels, Point { at_ms, value }, &self.jobs);
            }
        }
        recording.scraped.values_mut().for_each(|samples| samples.sort_by_key(|(_, point)| point.at_ms));
        recording
    }
}

impl Recording {
    fn scraped(&mut self, labels: Labels, point: Point, jobs: &[&str]) {
        // What the candidates wrote is of no job.
        let Some(job) = labels.value("job").filter(|job| jobs.contains(job)).map(str::to_owned) else {
            return;
        };
        self.scraped.entry(job).or_default().push((labels, point));
    }
}

fn is_group(line: &str) -> bool {
    line.starts_with("  - name: ")
}

/// Groups that do nothing but show when they are evaluated.
fn candidates() -> String {
    let group = |number: usize| {
        format!(
            "  - name: c{number}\n    interval: 1s\n    rules:\n      - \
             {{record: candidate, expr: vector(1), labels: {{group: c{number}}}}}\n"
        )
    };
    format!("groups:\n{}", (0..CANDIDATES).map(group).collect::<String>())
}

/// All rules in one file, their groups under these names and with the rules that say what they see.
fn with_names(texts: &[String], names: &[String]) -> String {
    let seen = |name: &str, rule: &str| {
        format!("      - {{record: {rule}, expr: timestamp(up), labels: {{group: {name}}}}}\n")
    };
    let mut rules = "groups:\n".to_owned();
    let mut names = names.iter();
    for text in texts {
        let mut name = None;
        for line in text.lines().filter(|line| !line.starts_with('#') && *line != "groups:") {
            if is_group(line) {
                rules.extend(name.map(|name: &String| seen(name, SEEN[1])));
                let next = names.next().unwrap();
                rules.push_str(&format!("  - name: {next}\n"));
                name = Some(next);
                continue;
            }
            rules.push_str(line);
            rules.push('\n');
            if line == "    rules:" {
                rules.push_str(&seen(name.unwrap(), SEEN[0]));
            }
        }
        rules.extend(name.map(|name| seen(name, SEEN[1])));
    }
    rules
}

/// Each number that the server holds; staleness markers are not visible here.
fn everything(server: &Prometheus) -> BTreeMap<(Labels, i64), f64> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() + 1;
    let now = now.to_string();
    let query = || server.ask("query", &[("query", r#"{__name__=~".+"}[10m]"#), ("time", &now)]);
    let patience = Instant::now() + Duration::from_secs(30);
    let data = loop {
        match query() {
            Value::Null if Instant::now() < patience => std::thread::sleep(Duration::from_millis(50)),
            data => break data,
        }
    };
    let mut numbers = BTreeMap::new();
    for series in data["result"].as_array().unwrap() {
        let metric = series["metric"].as_object().unwrap();
        let labels = Labels::new(metric.iter().map(|(name, value)| (name.as_str(), value.as_str().unwrap())));
        for point in series["values"].as_array().unwrap() {
            let value = point[1].as_str().unwrap().parse().unwrap();
            numbers.insert((labels.clone(), millis(point[0].as_f64().unwrap())), value);
        }
    }
    numbers
}

/// Each NaN in the data, be it a number or a staleness marker.
fn dumped_nan(folder: &TempDir) -> Vec<(Labels, i64)> {
    let output =
        Command::new("promtool").args(["tsdb", "dump"]).arg(folder.path().join("data")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let nan = text.lines().filter_map(|line| {
        let (labels, at) = line.rsplit_once(" NaN ")?;
        Some((labels_of(labels), at.parse().unwrap()))
    });
    nan.collect()
}

/// Of `{a="b", c="d"}`.
fn labels_of(text: &str) -> Labels {
    let mut rest = text.trim_start_matches('{');
    let mut pairs = Vec::new();
    while let Some((name, after)) = rest.split_once('=') {
        let mut values = serde_json::Deserializer::from_str(after).into_iter::<String>();
        pairs.push((name.to_owned(), values.next().unwrap().unwrap()));
        rest = after[values.byte_offset()..].trim_start_matches([',', ' ', '}']);
    }
    Labels::new(pairs)
}

pub(super) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Of seconds as Prometheus writes them, with three decimals.
pub(super) fn millis(seconds: f64) -> i64 {
    (seconds * 1000.0).round() as i64
}

//! The samples of a recording in our store, our groups on it at the same moments, and what is not the same.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::time::Duration;

use loadgate::family::{self, Family, FamilyKind, Series};
use loadgate::labels::Labels;
use loadgate::promql::{Matcher, Options, Point, Query, Source as _, TimeRange, is_stale};
use loadgate::rules::{ActiveAlert, AlertState, Context, DEFAULT_INTERVAL, Group, RuleSpec};
use loadgate::tsdb::{Intake, Origin, Store};
use serde_json::Value;

use super::peer::{Recording, SEEN, millis, text};

/// What the two came to.
#[derive(Debug, Default)]
pub(super) struct Report {
    pub(super) differences: Vec<String>,
    /// How many evaluations of groups, series and lists of alerts were compared.
    pub(super) ticks: usize,
    pub(super) series: usize,
    pub(super) alert_lists: usize,
    /// Names of alerts.
    pub(super) pending: BTreeSet<String>,
    pub(super) firing: BTreeSet<String>,
}

/// Why a recording cannot be compared: it does not say what Prometheus saw.
#[derive(Debug)]
pub(super) struct Torn(pub(super) String);

/// One evaluation of a group by Prometheus.
struct Tick {
    at_ms: i64,
    group: usize,
    /// Of each job the time of the last scrape that was visible.
    seen: BTreeMap<String, i64>,
}

pub(super) fn replay(recording: &Recording) -> Result<Report, Torn> {
    let ticks = ticks(recording)?;
    let mut replay = Replay {
        recording,
        store: Store::new(64 << 20),
        fed: BTreeMap::new(),
        report: Report::default(),
        alerts: BTreeMap::new(),
    };
    let mut groups: Vec<Group> =
        recording.rules.groups.iter().map(|group| Group::new(group.clone(), DEFAULT_INTERVAL)).collect();
    let external_labels = Labels::new([("region", "lab")]);
    let options = Options::default();
    let context = Context {
        options: &options,
        external_labels: &external_labels,
        external_url: "",
        stopwatch: &|| Duration::ZERO,
    };
    for tick in &ticks {
        replay.feed(tick)?;
        let group = &mut groups[tick.group];
        group.evaluate(&replay.store, tick.at_ms, &context);
        replay.compare(tick, group);
        replay.remember(tick, group);
    }
    replay.compare_alerts(&ticks);
    Ok(replay.report)
}

struct Replay<'a> {
    recording: &'a Recording,
    store: Store,
    /// How many samples of each job are in the store.
    fed: BTreeMap<String, usize>,
    report: Report,
    /// Ours, by group, rule and moment.
    alerts: BTreeMap<(usize, usize, i64), Vec<ActiveAlert>>,
}

impl Replay<'_> {
    /// Samples that Prometheus saw at this tick.
    fn feed(&mut self, tick: &Tick) -> Result<(), Torn> {
        for (job, samples) in &self.recording.scraped {
            let seen_ms = tick.seen.get(job).copied().unwrap_or(i64::MIN);
            let fed = self.fed.entry(job.clone()).or_default();
            let visible = samples.partition_point(|(_, point)| point.at_ms <= seen_ms);
            if visible < *fed {
                return Err(Torn(format!("groups were not evaluated in their order at {}", tick.at_ms)));
            }
            for scrape in samples[*fed..visible].chunk_by(|(_, a), (_, b)| a.at_ms == b.at_ms) {
                let at_ms = scrape[0].1.at_ms;
                let intake = self.store.scrape(&Origin(job.clone()), at_ms, &families(scrape));
                // Staleness markers are the store's own business, and must be as many as Prometheus has set.
                let expected = Intake { samples: scrape.len(), ..Intake::default() };
                assert_eq!(intake, expected, "of {job} at {at_ms}: {scrape:?}");
            }
            *fed = visible;
            // What lies just at the edge of a range is in it in Prometheus 2, and not in Prometheus 3.
            let at_edge =
                |at_ms: i64| at_ms.rem_euclid(1000) == 0 || (tick.at_ms - at_ms).rem_euclid(1000) == 0;
            if let Some((_, point)) = samples[..visible].iter().find(|(_, point)| at_edge(point.at_ms)) {
                return Err(Torn(format!(
                    "a sample of {job} at {} is at an edge at {}",
                    point.at_ms, tick.at_ms
                )));
            }
        }
        Ok(())
    }

    /// The series that the group's rules wrote at this tick.
    fn compare(&mut self, tick: &Tick, group: &Group) {
        let nothing = BTreeMap::new();
        let theirs = self.recording.outputs.get(&tick.at_ms).unwrap_or(&nothing);
        let ours = self.written(tick.at_ms, group);
        self.report.ticks += 1;
        self.report.series += theirs.len();
        let all: BTreeSet<&Labels> = ours.keys().chain(theirs.keys()).collect();
        for labels in all {
            let (our, their) = (ours.get(labels), theirs.get(labels));
            let (Some(our), Some(their)) = (our, their) else {
                self.differs(tick, group, labels, our, their);
                continue;
            };
            if !same(*our, *their) {
                self.differs(tick, group, labels, Some(our), Some(their));
            }
            let alert = labels.value("alertname").unwrap_or_default().to_owned();
            match labels.value("alertstate").filter(|_| labels.value("__name__") == Some("ALERTS")) {
                Some("pending") => drop(self.report.pending.insert(alert)),
                Some("firing") => drop(self.report.firing.insert(alert)),
                _ => {}
            }
        }
    }

    fn written(&self, at_ms: i64, group: &Group) -> BTreeMap<Labels, f64> {
        let rules = group.spec().rules.iter().map(|rule| rule.name.as_str());
        let names: BTreeSet<&str> = rules.chain(["ALERTS", "ALERTS_FOR_STATE"]).collect();
        let any = Query::parse(r#"{__name__=~".+"}"#).unwrap().selector().unwrap();
        let series = self.store.select(&any, TimeRange { from_ms: at_ms, to_ms: at_ms }).unwrap();
        series
            .into_iter()
            .filter(|series| series.labels.value("__name__").is_some_and(|name| names.contains(name)))
            .filter_map(|series| Some((series.labels, series.points.first()?.value)))
            .filter(|(_, value)| !is_stale(*value))
            .collect()
    }

    fn remember(&mut self, tick: &Tick, group: &Group) {
        for (index, rule) in group.rules().iter().enumerate() {
            let alerts = rule.active_alerts().cloned().collect();
            self.alerts.insert((tick.group, index, tick.at_ms), alerts);
        }
    }

    /// What Prometheus' API listed meanwhile: annotations and values, beside the states.
    fn compare_alerts(&mut self, ticks: &[Tick]) {
        let mut compared = BTreeSet::new();
        for three in self.recording.polled.windows(3) {
            // Evaluated at the same moment before and after: it was not being evaluated in between.
            let moments = [0, 1, 2].map(|at| evaluations(&three[at]));
            for (rule, (at, alerts)) in &moments[1] {
                let settled = [&moments[0], &moments[2]]
                    .iter()
                    .all(|other| other.get(rule).is_some_and(|(other, _)| other == at));
                let Some(group) = self.recording.rules.groups.iter().position(|group| group.name == rule.0)
                else {
                    continue;
                };
                let its = ticks.iter().filter(|tick| tick.group == group && tick.at_ms <= *at);
                let Some(tick) = its.max_by_key(|tick| tick.at_ms).filter(|_| settled) else { continue };
                let rules = &self.recording.rules.groups[group].rules;
                let alerting = rules.iter().enumerate().filter(|(_, rule)| rule.is_alert());
                let index = alerting.map(|(index, _)| index).nth(rule.1).unwrap();
                let ours: BTreeSet<String> =
                    self.alerts[&(group, index, tick.at_ms)].iter().map(ours_listed).collect();
                let theirs: BTreeSet<String> = alerts.iter().map(theirs_listed).collect();
                if compared.insert((group, index, tick.at_ms)) {
                    self.report.alert_lists += 1;
                    if ours != theirs {
                        self.report.differences.push(format!(
                            "alerts of {} at {}:\n  ours:   {ours:#?}\n  theirs: {theirs:#?}",
                            rules[index].name, tick.at_ms
                        ));
                    }
                }
            }
        }
    }

    fn differs(
        &mut self,
        tick: &Tick,
        group: &Group,
        labels: &Labels,
        ours: Option<&f64>,
        theirs: Option<&f64>,
    ) {
        let mut text = format!("{labels} at {}: ours {ours:?}, theirs {theirs:?}\n", tick.at_ms);
        let name = labels.value("alertname").or(labels.value("__name__")).unwrap_or_default();
        for rule in group.spec().rules.iter().filter(|rule| rule.name == name) {
            self.explain(tick.at_ms, rule, &mut text);
        }
        self.report.differences.push(text);
    }

    /// The rule, and the samples that it had.
    fn explain(&self, at_ms: i64, rule: &RuleSpec, text: &mut String) {
        writeln!(text, "  {} {}", rule.name, rule.query.text()).unwrap();
        for selector in rule.query.selectors(&Options::default()).iter() {
            let reach_ms = selector.range.map_or(5000, |range| i64::try_from(range.as_millis()).unwrap());
            let matchers: &[Matcher] = &selector.matchers;
            let range = TimeRange { from_ms: at_ms - reach_ms - 2000, to_ms: at_ms };
            for series in self.store.select(matchers, range).unwrap() {
                let points = series.points.iter().map(|point| (point.at_ms - at_ms, point.value));
                writeln!(text, "    {} {:?}", series.labels, points.collect::<Vec<_>>()).unwrap();
            }
        }
    }
}

/// The numbers of one scrape.
fn families(scrape: &[(Labels, Point)]) -> Vec<Family> {
    let mut families: BTreeMap<&str, Vec<Series>> = BTreeMap::new();
    for (labels, point) in scrape.iter().filter(|(_, point)| !is_stale(point.value)) {
        let series = Series { labels: labels.without("__name__"), value: family::Value::Number(point.value) };
        families.entry(labels.value("__name__").unwrap()).or_default().push(series);
    }
    let family = |(name, series): (&str, _)| Family {
        name: name.to_owned(),
        kind: FamilyKind::Unknown,
        help: String::new(),
        series,
    };
    families.into_iter().map(family).collect()
}

/// The evaluations in their order, without the last of each group, which the end may have cut short.
fn ticks(recording: &Recording) -> Result<Vec<Tick>, Torn> {
    let mut ticks = Vec::new();
    for (index, group) in recording.rules.groups.iter().enumerate() {
        let mut seen = [(); 2].map(|()| BTreeMap::<i64, BTreeMap<String, i64>>::new());
        for (at_ms, outputs) in &recording.outputs {
            for (labels, value) in
                outputs.iter().filter(|(labels, _)| labels.value("group") == Some(&group.name))
            {
                let Some(which) = SEEN.iter().position(|name| labels.value("__name__") == Some(name)) else {
                    continue;
                };
                let job = labels.value("job").unwrap().to_owned();
                seen[which].entry(*at_ms).or_default().insert(job, millis(*value));
            }
        }
        let [mut first, mut last] = seen;
        let Some((end_ms, _)) = first.pop_last() else { continue };
        last.remove(&end_ms);
        if first != last {
            return Err(Torn(format!("a scrape came in between the rules of {}", group.name)));
        }
        ticks.extend(first.into_iter().map(|(at_ms, seen)| Tick { at_ms, group: index, seen }));
    }
    ticks.sort_by_key(|tick| tick.at_ms);
    Ok(ticks)
}

type Listed<'a> = BTreeMap<(String, usize), (i64, &'a [Value])>;

/// By group and index among its alerting rules: when it was evaluated last, and its alerts.
fn evaluations(rules: &Value) -> Listed<'_> {
    let mut found = BTreeMap::new();
    for group in rules["groups"].as_array().unwrap() {
        for (index, rule) in group["rules"].as_array().unwrap().iter().enumerate() {
            let at_ms = time_ms(&rule["lastEvaluation"]);
            let alerts = rule["alerts"].as_array().map(Vec::as_slice).unwrap_or_default();
            found.insert((text(&group["name"]), index), (at_ms, alerts));
        }
    }
    found
}

fn time_ms(time: &Value) -> i64 {
    chrono::DateTime::parse_from_rfc3339(&text(time)).map_or(i64::MIN, |time| time.timestamp_millis())
}

fn ours_listed(alert: &ActiveAlert) -> String {
    let annotations: Vec<_> = alert.annotations.iter().collect();
    let labels: Vec<_> = alert.labels.iter().collect();
    let state = if alert.state == AlertState::Firing { "firing" } else { "pending" };
    format!("{labels:?} {annotations:?} {state} since {} at {}", alert.active_at_ms, rounded(alert.value))
}

fn theirs_listed(alert: &Value) -> String {
    let texts = |of: &Value| -> BTreeMap<String, String> {
        of.as_object().unwrap().iter().map(|(name, value)| (name.clone(), text(value))).collect()
    };
    let (annotations, labels) = (texts(&alert["annotations"]), texts(&alert["labels"]));
    let annotations: Vec<_> = annotations.iter().collect();
    let labels: Vec<_> = labels.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let value: f64 = text(&alert["value"]).parse().unwrap();
    format!(
        "{labels:?} {annotations:?} {} since {} at {}",
        text(&alert["state"]),
        time_ms(&alert["activeAt"]),
        rounded(value)
    )
}

/// Twelve digits: the order of additions is nobody's promise.
fn rounded(value: f64) -> String {
    format!("{value:.11e}")
}

fn same(ours: f64, theirs: f64) -> bool {
    ours == theirs
        || ours.is_nan() && theirs.is_nan()
        || (ours - theirs).abs() <= 1e-12 * ours.abs().max(theirs.abs())
}

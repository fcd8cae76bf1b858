//! A real Prometheus that judges too: a gate that fires there fails the run as well.
//!
//! When the run's final values are published, Prometheus is asked each second until it has scraped them and evaluated
//! the plan's rules once more; then which gates have fired there. What it cannot answer is a doubt: of a run that was
//! to be judged by it nobody can say passed. It never delays load, and waits at most 3 times the scrape and evaluation
//! intervals.

mod address;
mod answer;
mod client;
mod doubt;
mod fired;
mod loaded;
#[cfg(test)]
mod tests;
mod wanted;

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustls::ClientConfig;
use tokio::time::Instant;

pub use address::{Address, AddressError};
pub use doubt::{Doubt, Unseen};
pub use wanted::WantedRules;

use crate::rules::{AlertGate, Gate, RUN_FINAL};
use answer::{Found, FoundSeries, RuleGroup, RuleGroups, Scalar, Target, Targets, millis};
use client::{AskError, Client};
use fired::{ALERTS, ALERTS_FOR_STATE, AlertSeries, Window};
use loaded::{Loaded, loaded};

/// Between two looks.
const POLL: Duration = Duration::from_secs(1);
/// Of questions that cost Prometheus nothing, and of those about the whole run.
const QUICK: Duration = Duration::from_secs(5);
const SLOW: Duration = Duration::from_secs(60);
/// How long one is tried that was never reached, or that has nothing to scrape.
const LEAST_PATIENCE: Duration = Duration::from_secs(5);
/// Prometheus' default.
const SCRAPE_INTERVAL: Duration = Duration::from_secs(60);
/// How far before the judged window alerts are looked for, and how much of the window is asked for at a time.
const BEFORE_MS: i64 = 5 * 60_000;
const PIECE_MS: i64 = 60 * 60_000;

/// Whom to ask about which run.
#[derive(Debug, Clone)]
pub struct Options {
    pub address: Address,
    /// Needed for `https`.
    pub tls: Option<Arc<ClientConfig>>,
    pub testid: String,
    /// What Prometheus should scrape: for messages.
    pub metrics_url: String,
    pub rules: WantedRules,
}

/// What is asked at a run's end.
#[derive(Debug)]
pub struct Question<'a> {
    /// When the judged window opened: load had begun and the warmup was over.
    pub opened_at: SystemTime,
    /// When the final values were published.
    pub ended_at: SystemTime,
    /// What was found in this process.
    pub gates: &'a [Gate],
}

/// What Prometheus says of a run.
#[derive(Debug, Default)]
pub struct Findings {
    /// Gates that fired there.
    pub fired: Vec<AlertGate>,
    pub doubts: Vec<Doubt>,
    /// Where it came to another conclusion than this process.
    pub disagreements: Vec<String>,
}

/// A Prometheus, for one run.
pub struct Prometheus {
    client: Client,
    testid: String,
    metrics_url: String,
    rules: WantedRules,
    /// How long the final values may take.
    patience: Duration,
}

/// How far Prometheus has come with the final values.
#[derive(Debug, Default)]
struct Sight {
    /// When they were first seen, by its own clock.
    final_at_ms: Option<i64>,
    /// Whether it is known how often it scrapes the run.
    knows_interval: bool,
}

impl Prometheus {
    pub fn new(options: Options) -> Self {
        let Options { address, tls, testid, metrics_url, rules } = options;
        Prometheus { client: Client::new(address, tls), testid, metrics_url, rules, patience: LEAST_PATIENCE }
    }

    /// To be called before load is sent: what would make the run inconclusive, while it can still be mended.
    pub async fn preflight(&mut self) -> Vec<Doubt> {
        match self.look_around().await {
            Ok(doubts) => doubts,
            Err(error) => vec![unreachable(&error)],
        }
    }

    async fn look_around(&mut self) -> Result<Vec<Doubt>, AskError> {
        let groups = self.groups().await?;
        let targets = self.targets().await?;
        let loaded = loaded(&self.rules, &groups);
        self.patience = patience(scrape_interval(&targets, &[]), &loaded);
        // It may be a rule's first evaluation that failed, as there are no series yet.
        let doubts = loaded::doubts(&self.server(), &self.rules, &loaded).into_iter();
        Ok(doubts.filter(|doubt| !matches!(doubt, Doubt::Failing { .. })).collect())
    }

    /// To be called when the run's final values have been published.
    pub async fn judge(&mut self, question: &Question<'_>) -> Findings {
        let mut findings = Findings::default();
        let mut sight = Sight::default();
        match self.await_final(&mut sight).await {
            Ok(()) => {}
            Err(doubt @ Doubt::Unreachable(_)) => {
                findings.doubts.push(doubt);
                return findings;
            }
            // What has fired by now has fired all the same.
            Err(doubt) => findings.doubts.push(doubt),
        }
        if let Err(error) = self.find(question, &sight, &mut findings).await {
            findings.doubts.push(unreachable(&error));
        }
        findings
    }

    /// Until the final values have been scraped and the plan's rules evaluated on them.
    async fn await_final(&mut self, sight: &mut Sight) -> Result<(), Doubt> {
        let began = Instant::now();
        loop {
            let looked_at = Instant::now();
            let doubt = match self.look(sight).await {
                Ok(None) => return Ok(()),
                Ok(Some(unseen)) => Doubt::NotSeen { server: self.server(), waited: self.patience, unseen },
                Err(error) => unreachable(&error),
            };
            let next = looked_at + POLL;
            if next > began + self.patience {
                return Err(doubt);
            }
            tokio::time::sleep_until(next).await;
        }
    }

    /// What is still missing.
    async fn look(&mut self, sight: &mut Sight) -> Result<Option<Unseen>, AskError> {
        let mut unseen = None;
        if sight.final_at_ms.is_none() {
            let query = format!("{RUN_FINAL}{{testid={}}}", quoted(&self.testid));
            let found: Found = self.client.query(&query, None, QUICK).await?;
            let last: Vec<_> = found.result.iter().filter_map(|series| series.samples().last()).collect();
            if last.is_empty() {
                unseen = Some(Unseen::NothingScraped { metrics_url: self.metrics_url.clone() });
            } else if last.iter().any(|sample| sample.value != 1.0) {
                // Of several machines that send parts of the load, all have to end.
                unseen = Some(Unseen::NotFinal);
            } else {
                sight.final_at_ms = last.iter().map(|sample| sample.at_ms).max();
            }
            if !sight.knows_interval {
                let targets = self.targets().await?;
                let interval = scrape_interval(&targets, &found.result);
                sight.knows_interval = !found.result.is_empty();
                let groups = self.groups().await?;
                self.patience = patience(interval, &loaded(&self.rules, &groups));
            }
        }
        let Some(final_at_ms) = sight.final_at_ms else { return Ok(unseen) };
        let groups = self.groups().await?;
        let loaded = loaded(&self.rules, &groups);
        let late = loaded::unevaluated(&loaded, final_at_ms);
        Ok(late.map(|group| Unseen::NotEvaluated { group: group.to_owned() }))
    }

    async fn find(
        &mut self,
        question: &Question<'_>,
        sight: &Sight,
        findings: &mut Findings,
    ) -> Result<(), AskError> {
        let server = self.server();
        let (now_ms, ahead_ms) = self.clock().await?;
        let opened_at_ms = unix_ms(question.opened_at) + ahead_ms;
        let groups = self.groups().await?;
        let series = self.alerts(opened_at_ms, now_ms).await?;
        let loaded = loaded(&self.rules, &groups);
        findings.doubts.extend(loaded::doubts(&server, &self.rules, &loaded));
        let final_at_ms = sight.final_at_ms.unwrap_or(unix_ms(question.ended_at) + ahead_ms);
        let window = Window { server: &server, testid: &self.testid, opened_at_ms, final_at_ms, ahead_ms };
        findings.fired = fired::gates(&series, &loaded, window);
        findings.disagreements = disagreements(&self.rules, &loaded, &findings.fired, question.gates);
        Ok(())
    }

    /// Its clock in milliseconds since the Unix epoch, and how far it is ahead of ours.
    async fn clock(&mut self) -> Result<(i64, i64), AskError> {
        let before_ms = unix_ms(SystemTime::now());
        let now: Scalar = self.client.query("time()", None, QUICK).await?;
        let after_ms = unix_ms(SystemTime::now());
        let now_ms = millis(now.result.0);
        Ok((now_ms, now_ms - (before_ms + after_ms) / 2))
    }

    /// Of this run, and of the plan's alerts without a `testid`.
    async fn alerts(&mut self, opened_at_ms: i64, now_ms: i64) -> Result<AlertSeries, AskError> {
        let names = format!("__name__=~{}", quoted(&format!("{ALERTS}|{ALERTS_FOR_STATE}")));
        let mut alerts: Vec<String> = self.rules.0.iter().map(|rule| regex::escape(&rule.alert)).collect();
        alerts.sort_unstable();
        alerts.dedup();
        let mut selectors = vec![format!("{{{names},testid={}}}", quoted(&self.testid))];
        if !alerts.is_empty() {
            let alerts = quoted(&alerts.join("|"));
            selectors.push(format!("{{{names},testid=\"\",alertname=~{alerts}}}"));
        }
        let (from_ms, mut to_ms) = (opened_at_ms - BEFORE_MS, now_ms);
        let mut series = AlertSeries::default();
        while to_ms > from_ms {
            let range_ms = (to_ms - from_ms).min(PIECE_MS);
            for selector in &selectors {
                let query = format!("{selector}[{range_ms}ms]");
                let found: Found = self.client.query(&query, Some(to_ms), SLOW).await?;
                found.result.iter().for_each(|found| series.add(found));
            }
            to_ms -= range_ms;
        }
        Ok(series)
    }

    async fn groups(&mut self) -> Result<Vec<RuleGroup>, AskError> {
        let rules: RuleGroups = self.client.get("rules?type=alert", QUICK).await?;
        Ok(rules.groups)
    }

    async fn targets(&mut self) -> Result<Vec<Target>, AskError> {
        let targets: Targets = self.client.get("targets?state=active", QUICK).await?;
        Ok(targets.active_targets.unwrap_or_default())
    }

    /// For messages.
    pub fn name(&self) -> String {
        format!("Prometheus ({})", self.server())
    }

    fn server(&self) -> String {
        self.client.address().shown()
    }
}

fn unreachable(error: &AskError) -> Doubt {
    Doubt::Unreachable(error.to_string())
}

/// Contract: the final values may take 3 x (scrape + evaluation interval).
fn patience(scrape_interval: Duration, loaded: &[Loaded<'_>]) -> Duration {
    let patience = 3 * (scrape_interval + loaded::evaluation_interval(loaded).unwrap_or_default());
    patience.max(LEAST_PATIENCE)
}

/// Of the targets that brought these series; the longest of all while there are none; zero without targets.
fn scrape_interval(targets: &[Target], of: &[FoundSeries]) -> Duration {
    let is_it = |target: &Target, series: &FoundSeries| {
        let labels = series.labels();
        ["job", "instance"]
            .iter()
            .all(|name| labels.value(name) == target.labels.get(*name).map(String::as_str))
    };
    let brought = |target: &&Target| of.iter().any(|series| is_it(target, series));
    let longest = |targets: &mut dyn Iterator<Item = &Target>| {
        targets.filter_map(|target| crate::config::parse_duration(&target.scrape_interval).ok()).max()
    };
    longest(&mut targets.iter().filter(brought))
        .or_else(|| longest(&mut targets.iter()))
        .unwrap_or(if targets.is_empty() { Duration::ZERO } else { SCRAPE_INTERVAL })
}

/// Of the plan's rules that are loaded there.
fn disagreements(
    rules: &WantedRules,
    loaded: &[Loaded<'_>],
    there: &[AlertGate],
    here: &[Gate],
) -> Vec<String> {
    let mut told = Vec::new();
    for rule in &rules.0 {
        let is_loaded = loaded.iter().any(|loaded| loaded.wanted.iter().any(|it| std::ptr::eq(*it, rule)));
        let there = there.iter().any(|gate| gate.alert == rule.alert && gate.file == rule.file);
        let line = match (rule.fired_in(here), there) {
            (true, false) if is_loaded => format!("the alert `{}` fired here, not in Prometheus", rule.alert),
            (false, true) => format!("the alert `{}` fired in Prometheus, not here", rule.alert),
            _ => continue,
        };
        if !told.contains(&line) {
            told.push(line);
        }
    }
    told
}

/// As PromQL writes a string.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', r"\\").replace('"', r#"\""#).replace('\n', r"\n"))
}

fn unix_ms(at: SystemTime) -> i64 {
    at.duration_since(UNIX_EPOCH).map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX / 2))
}

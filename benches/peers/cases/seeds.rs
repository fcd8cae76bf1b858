//! The k6 scripts that the plans in `config/plans` were written after, each in k6 and its plan in loadgate, against a demo
//! target of its own: requests as the target counted them, iterations, checks, percentiles.
//!
//! A script is shortened by its own numbers, its plan by a profile beside it (`seeds/NAME.js`, `seeds/NAME.yml`). The profile
//! also takes away what the plan does beyond the script: its preflight, its look at the books.
//! The target answers late by a fixed time, and the client may use both cores, so that both tools are bound by the target
//! rather than by their own speed: k6's collector stops it for some milliseconds.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::{read_to_string, write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::Result;
use crate::bench::Bench;
use crate::clients::Client;
use crate::figures::Figure;
use crate::machine::{self, Place};
use crate::process::{self, Daemon};
use crate::report::{Bound, Report};
use crate::rounds::{Run, interleave};
use crate::rows::{Row, median};
use crate::scraper::scrape;

const CLIENTS: [Client; 2] = [Client::Loadgate, Client::K6];
const REPORT: &str = "summary.json";
const LIMIT: Duration = Duration::from_secs(120);
const PERCENTILES: [&str; 4] = ["med", "p(90)", "p(95)", "p(99)"];
const DROPPED: &str = "dropped";
const FAILED: &str = "failed";
/// The profile that the bench writes into a plan.
const PROFILE: &str = "beside-k6";

struct Seed {
    /// Of the plan, the script and the profile.
    name: &'static str,
    script: &'static str,
    /// Under `profiles:` of the plan.
    profile: &'static str,
    /// `--env` of both, with the target's address for `{}`.
    env: &'static [(&'static str, &'static str)],
    target: &'static [&'static str],
    trends: &'static [&'static str],
    /// Checks whose number depends on what was drawn.
    drawn_checks: &'static [&'static str],
    counts: Tolerance,
}

/// By how much counts may differ.
#[derive(Debug, Clone, Copy)]
enum Tolerance {
    Exactly,
    /// For a rate: one a stage.
    Within(f64),
    /// For a closed loop: what a tool needs between two iterations is its own, and is not given back.
    Percent(f64),
}

impl fmt::Display for Tolerance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exactly => f.write_str("exactly"),
            Self::Within(iterations) => write!(f, "within {iterations}"),
            Self::Percent(percent) => write!(f, "within {percent} %"),
        }
    }
}

impl Tolerance {
    /// What a tool dropped was due, but never asked for: a busy machine makes either of them drop.
    fn holds(self, ours: f64, theirs: f64, dropped: f64) -> bool {
        let off = (ours - theirs).abs();
        match self {
            Self::Exactly => off == 0.0,
            Self::Within(iterations) => off <= iterations + dropped,
            Self::Percent(percent) => off <= (theirs * percent / 100.0).max(1.0),
        }
    }
}

/// What is compared, in the order in which it is shown.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Quantity {
    /// At the target, by path.
    Requests(String),
    /// At the target, by path and status: how many of them may depend on when they were asked for.
    Answers(String, String),
    /// At the target: messages and events.
    Messages(String),
    Iterations(&'static str),
    /// By name: how often it passed, how often it failed.
    Checks(String, &'static str),
    /// In milliseconds.
    Percentile(String, &'static str),
    /// Shown: headers differ (`user-agent`), and expected statuses are up to the plan.
    Shown(&'static str),
}

impl Quantity {
    fn text(&self) -> String {
        match self {
            Self::Requests(path) => format!("requests to {path}"),
            Self::Answers(path, status) => format!("· {status} by {path}"),
            Self::Messages(name) => name.clone(),
            Self::Iterations(fate) => format!("iterations, {fate}"),
            Self::Checks(name, outcome) => format!("check {name:?}, {outcome}"),
            Self::Percentile(trend, statistic) => format!("{trend} {statistic}, ms"),
            Self::Shown(name) => (*name).to_owned(),
        }
    }

    /// Whether the two are near enough. `None`: not judged.
    fn holds(&self, seed: &Seed, ours: &Outcome, theirs: &Outcome) -> Option<bool> {
        let (mine, other) = (ours.get(self).copied(), theirs.get(self).copied());
        let dropped: f64 =
            [ours, theirs].iter().filter_map(|outcome| outcome.get(&Self::Iterations(DROPPED))).sum();
        let near = |mine: f64, other: f64| seed.counts.holds(mine, other, dropped);
        match self {
            Self::Shown(_) => None,
            Self::Iterations(DROPPED) if matches!(seed.counts, Tolerance::Within(_)) => None,
            Self::Checks(name, _) if seed.drawn_checks.contains(&name.as_str()) => None,
            // What the script does not check cannot be compared.
            Self::Checks(..) => other.map(|other| mine.is_some_and(|mine| near(mine, other))),
            Self::Answers(..) => Some(mine.is_some() == other.is_some()),
            Self::Percentile(..) => Some(
                mine.zip(other).is_some_and(|(mine, other)| (mine - other).abs() <= (other * 0.02).max(1.0)),
            ),
            // What was never asked for has no series.
            Self::Requests(_) | Self::Messages(_) | Self::Iterations(_) => {
                Some(near(mine.unwrap_or(0.0), other.unwrap_or(0.0)))
            }
        }
    }

    /// Whether another line says the same already: all of a path's answers had one status, no check failed.
    fn is_said(&self, outcome: &Outcome) -> bool {
        let value = outcome.get(self).copied();
        match self {
            Self::Answers(path, _) => value == outcome.get(&Self::Requests(path.clone())).copied(),
            Self::Checks(_, FAILED) => value.unwrap_or(0.0) == 0.0,
            _ => false,
        }
    }
}

type Outcome = BTreeMap<Quantity, f64>;

macro_rules! seed_file {
    ($name:literal) => {
        include_str!(concat!("../seeds/", $name))
    };
}

const HTTP_ONLY: &[&str] = &["http_req_duration"];

const SEEDS: [Seed; 6] = [
    Seed {
        name: "flash-sale",
        script: seed_file!("flash-sale.js"),
        profile: seed_file!("flash-sale.yml"),
        env: &[("BASE_URL", "http://{}")],
        target: &["--fault", "latency=400ms", "--order-rate", "200"],
        trends: HTTP_ONLY,
        drawn_checks: &[],
        counts: Tolerance::Percent(2.0),
    },
    Seed {
        name: "cloudevents",
        script: seed_file!("cloudevents.js"),
        profile: seed_file!("cloudevents.yml"),
        env: &[("RABBITMQ_URL", "http://{}")],
        target: &["--fault", "latency=240ms"],
        trends: &["http_req_duration", "builder_publish_duration"],
        drawn_checks: &[],
        counts: Tolerance::Within(10.0),
    },
    Seed {
        name: "pulse-http",
        script: seed_file!("pulse-http.js"),
        profile: seed_file!("pulse-http.yml"),
        env: &[("HTTP_URL", "http://{}")],
        // A round takes some 2.1 s: the tenth begins one second before the end.
        target: &["--fault", "latency=200ms"],
        trends: &["http_req_duration", "http_manifest_latency_ms"],
        drawn_checks: &[],
        counts: Tolerance::Exactly,
    },
    Seed {
        name: "pulse-websocket",
        script: seed_file!("pulse-websocket.js"),
        profile: seed_file!("pulse-websocket.yml"),
        env: &[("WS_URL", "ws://{}/ws")],
        target: &["--fault", "latency=200ms", "--event-rate", "100"],
        trends: &["ws_connecting", "ws_subscription_latency_ms", "ws_event_latency_ms"],
        drawn_checks: &["next in order"],
        counts: Tolerance::Exactly,
    },
    Seed {
        name: "chat-streaming",
        script: seed_file!("chat-streaming.js"),
        profile: seed_file!("chat-streaming.yml"),
        env: &[("BASE_URL", "http://{}"), ("WS_URL", "ws://{}")],
        target: &["--fault", "latency=200ms"],
        trends: &["http_req_duration", "message_response_time"],
        drawn_checks: &[],
        // The health checks are a rate.
        counts: Tolerance::Within(1.0),
    },
    Seed {
        name: "api-rates",
        script: seed_file!("api-rates.js"),
        profile: seed_file!("api-rates.yml"),
        env: &[("BASE_URL", "http://{}")],
        target: &["--fault", "latency=200ms"],
        trends: HTTP_ONLY,
        drawn_checks: &[],
        counts: Tolerance::Within(1.0),
    },
];

pub(crate) fn run(bench: &Bench, report: &mut Report) -> Result<()> {
    for seed in &SEEDS {
        let mut outcomes: Vec<(Client, Outcome)> = Vec::new();
        interleave(bench, &CLIENTS, |client| {
            let (run, outcome) = measure(bench, client, seed)?;
            outcomes.push((client, outcome));
            Ok(run)
        })?;
        let off = compare(seed, &medians(&outcomes, Client::Loadgate), &medians(&outcomes, Client::K6));
        let compared = bench.present(&CLIENTS).len() == CLIENTS.len();
        report.target(
            format!("{}: figures that are not those of its k6 script", seed.name),
            Bound::AtMost(0.0),
            compared.then_some(off),
        );
    }
    Ok(())
}

/// Prints the figures side by side. How many of them are too far from each other; not a number: there are none.
fn compare(seed: &Seed, ours: &Outcome, theirs: &Outcome) -> f64 {
    println!(
        "\n### {}: its k6 script and its plan, counts {}, percentiles within 2 % or 1 ms\n",
        seed.name, seed.counts
    );
    println!("| {:64} | {:>12} | {:>12} | {:>8} |      |", "figure", "loadgate", "k6", "off by %");
    println!("| :{:-<63} | {:->11}: | {:->11}: | {:->7}: | ---- |", "", "", "", "");
    let mut quantities: Vec<&Quantity> = ours.keys().chain(theirs.keys()).collect();
    quantities.sort();
    quantities.dedup();
    let mut missed = 0.0;
    for quantity in quantities {
        if quantity.is_said(ours) && quantity.is_said(theirs) {
            continue;
        }
        let (mine, other) = (ours.get(quantity).copied(), theirs.get(quantity).copied());
        let verdict = quantity.holds(seed, ours, theirs);
        missed += f64::from(u8::from(verdict == Some(false)));
        let word = verdict.map_or("", |holds| if holds { "PASS" } else { "MISS" });
        let off = mine.zip(other).filter(|(_, other)| *other != 0.0);
        let off = off
            .map_or_else(|| "-".to_owned(), |(mine, other)| format!("{:.2}", (mine / other - 1.0) * 100.0));
        println!(
            "| {:64} | {:>12} | {:>12} | {off:>8} | {word:4} |",
            quantity.text(),
            cell(mine),
            cell(other)
        );
    }
    if ours.is_empty() || theirs.is_empty() { f64::NAN } else { missed }
}

fn cell(value: Option<f64>) -> String {
    match value {
        None => "-".to_owned(),
        Some(value) if value.fract() == 0.0 => format!("{value:.0}"),
        Some(value) => format!("{value:.3}"),
    }
}

/// Over the rounds in which there was such a figure.
fn medians(outcomes: &[(Client, Outcome)], of: Client) -> Outcome {
    let mut values: BTreeMap<Quantity, Vec<f64>> = BTreeMap::new();
    for (quantity, value) in outcomes.iter().filter(|(client, _)| *client == of).flat_map(|(_, it)| it) {
        values.entry(quantity.clone()).or_default().push(*value);
    }
    values.into_iter().filter_map(|(quantity, values)| Some((quantity, median(values)?))).collect()
}

fn measure(bench: &Bench, client: Client, seed: &Seed) -> Result<(Run, Outcome)> {
    let program =
        |client: Client| client.program(&bench.myself).ok_or_else(|| format!("{client} is not installed"));
    let listen = machine::free_address()?;
    let mut target = bench.machine.command(&program(Client::Loadgate)?, Place::Server);
    target.args(["target", "--listen", &listen.to_string()]).args(seed.target);
    let target = Daemon::start(target)?;
    wait_for(listen, bench)?;

    let folder = tempfile::tempdir_in(bench.folder())?;
    let mut command = bench.machine.command(&program(client)?, Place::Everywhere);
    match client {
        Client::K6 => configure_k6(&mut command, seed, folder.path())?,
        _ => configure_loadgate(&mut command, seed, folder.path())?,
    }
    for (name, value) in seed.env {
        command.arg("-e").arg(format!("{name}={}", value.replace("{}", &listen.to_string())));
    }
    let finished = process::Client::start(command, folder.path())?.finish(LIMIT, &bench.interrupt)?;
    let summary = read_to_string(folder.path().join(REPORT)).map_err(|_| finished.complaint())?;
    let summary = serde_json::from_str(&summary)?;
    let mut outcome = match client {
        Client::K6 => read_k6(&summary, seed, &finished.output)?,
        _ => read_loadgate(&summary, seed)?,
    };
    outcome.extend(at_target(&scrape(listen)?));
    let requests: f64 = outcome
        .iter()
        .filter_map(|(quantity, value)| matches!(quantity, Quantity::Requests(_)).then_some(value))
        .sum();
    let row = Row::default().with(Figure::Exchanges, requests).with(Figure::CpuSecs, finished.usage.cpu_secs);
    Ok((Run { row, cpu_secs: finished.usage.cpu_secs + target.cpu_secs()? }, outcome))
}

fn wait_for(target: SocketAddr, bench: &Bench) -> Result<()> {
    let ready = Instant::now() + Duration::from_secs(10);
    while TcpStream::connect(target).is_err() {
        bench.interrupt.check()?;
        if Instant::now() > ready {
            return Err("the demo target does not listen after 10 s".into());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

fn configure_k6(command: &mut Command, seed: &Seed, folder: &Path) -> Result<()> {
    let script = folder.join("script.js");
    write(&script, seed.script)?;
    command
        .args(["run", "--no-usage-report", "--address=", "--summary-trend-stats"])
        .arg(PERCENTILES.join(","));
    command.arg("--summary-export").arg(folder.join(REPORT)).arg(script);
    Ok(())
}

/// The plan as it is, with one profile more.
fn configure_loadgate(command: &mut Command, seed: &Seed, folder: &Path) -> Result<()> {
    let plans = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("config/plans");
    let text = read_to_string(plans.join(format!("{}.yml", seed.name)))?;
    let (before, after) = text.split_once("\nprofiles:\n").ok_or("the plan has no profiles")?;
    let body: String = seed.profile.lines().map(|line| format!("    {line}\n")).collect();
    let plan = folder.join("plan.yml");
    write(&plan, format!("{before}\nprofiles:\n  {PROFILE}:\n{body}{after}"))?;
    command
        .args(["run", "--quiet", "--profile", PROFILE, "--summary-trend-stats"])
        .arg(PERCENTILES.join(","));
    command.arg("--summary-export").arg(folder.join(REPORT)).arg(plan);
    Ok(())
}

/// k6's `--summary-export`: `{"metrics": {NAME: {"count": …, "p(90)": …}}, "root_group": {…}}`.
fn read_k6(summary: &Value, seed: &Seed, output: &str) -> Result<Outcome> {
    let metrics = &summary["metrics"];
    // k6 leaves a counter out that nothing was added to, and says how many were interrupted in its last lines alone.
    let count = |name: &str| metrics[name]["count"].as_f64().unwrap_or(0.0);
    let interrupted = output
        .rsplit_once(" interrupted iterations")
        .and_then(|(before, _)| before.rsplit_once(' ').and_then(|(_, count)| count.parse().ok()));
    let mut outcome = Outcome::from([
        (Quantity::Iterations("complete"), count("iterations")),
        (
            Quantity::Iterations("interrupted"),
            interrupted.ok_or("k6 did not say how many iterations it interrupted")?,
        ),
        (Quantity::Iterations(DROPPED), count("dropped_iterations")),
        (Quantity::Shown("data_sent, bytes"), count("data_sent")),
        (Quantity::Shown("data_received, bytes"), count("data_received")),
    ]);
    if let Some(rate) = metrics["http_req_failed"]["value"].as_f64() {
        outcome.insert(Quantity::Shown("http_req_failed, share"), rate);
    }
    add_trends(&mut outcome, seed, |trend| &metrics[trend]);
    add_checks_of_group(&mut outcome, &summary["root_group"]);
    Ok(outcome)
}

/// By name, over all groups: a check's own place says nothing that the other tool would have to say alike.
fn add_checks_of_group(outcome: &mut Outcome, group: &Value) {
    for check in group["checks"].as_object().into_iter().flat_map(|checks| checks.values()) {
        add_check(outcome, check);
    }
    for group in group["groups"].as_object().into_iter().flat_map(|groups| groups.values()) {
        add_checks_of_group(outcome, group);
    }
}

fn add_check(outcome: &mut Outcome, check: &Value) {
    let name = check["name"].as_str().unwrap_or_default();
    for (key, outcome_of) in [("passes", "passed"), ("fails", FAILED)] {
        let count = check[key].as_f64().unwrap_or(0.0);
        *outcome.entry(Quantity::Checks(name.to_owned(), outcome_of)).or_default() += count;
    }
}

fn add_trends<'a>(outcome: &mut Outcome, seed: &Seed, values: impl Fn(&str) -> &'a Value) {
    for trend in seed.trends {
        for statistic in PERCENTILES {
            if let Some(value) = values(trend)[statistic].as_f64() {
                outcome.insert(Quantity::Percentile((*trend).to_owned(), statistic), value);
            }
        }
    }
}

fn read_loadgate(summary: &Value, seed: &Seed) -> Result<Outcome> {
    let metrics = &summary["metrics"];
    let scenarios = summary["scenarios"].as_array().ok_or("no scenarios in loadgate's summary")?;
    let iterations = |fate: &str| scenarios.iter().filter_map(|scenario| scenario[fate].as_f64()).sum();
    let count = |name: &str| metrics[name]["values"]["count"].as_f64().unwrap_or(0.0);
    let mut outcome = Outcome::from([
        (Quantity::Iterations("complete"), iterations("iterations_completed")),
        (Quantity::Iterations("interrupted"), iterations("iterations_interrupted")),
        (Quantity::Iterations(DROPPED), iterations("iterations_dropped")),
        (Quantity::Shown("data_sent, bytes"), count("data_sent")),
        (Quantity::Shown("data_received, bytes"), count("data_received")),
    ]);
    if let Some(rate) = metrics["http_req_failed"]["values"]["rate"].as_f64() {
        outcome.insert(Quantity::Shown("http_req_failed, share"), rate);
    }
    add_trends(&mut outcome, seed, |trend| &metrics[trend]["values"]);
    for check in summary["checks"].as_array().into_iter().flatten() {
        add_check(&mut outcome, check);
    }
    Ok(outcome)
}

/// What the target counted: `backend_http_requests_total{path="/order",status="409"} 17`.
fn at_target(page: &str) -> Outcome {
    const MESSAGES: [&str; 3] =
        ["backend_chat_messages_total", "backend_ws_requests_total", "backend_cloudevents_total"];
    let mut outcome = Outcome::new();
    for (series, count) in page.lines().filter_map(|line| line.rsplit_once(' ')) {
        let Some(count) = count.parse::<f64>().ok().filter(|count| *count > 0.0) else { continue };
        let labels: Vec<&str> = series.split('"').collect();
        match labels[..] {
            // Scrapes are no part of the load.
            ["backend_http_requests_total{path=", path, ",status=", status, "}"] if path != "/metrics" => {
                *outcome.entry(Quantity::Requests(path.to_owned())).or_default() += count;
                outcome.insert(Quantity::Answers(path.to_owned(), status.to_owned()), count);
            }
            [name, ..] if MESSAGES.contains(&name.split('{').next().unwrap_or_default()) => {
                outcome.insert(Quantity::Messages(series.to_owned()), count);
            }
            _ => {}
        }
    }
    outcome
}

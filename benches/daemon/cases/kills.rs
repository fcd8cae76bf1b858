//! The daemon is killed: at named points of its own code (`LOADGATE_FAULT_POINT`), and at moments that nobody chose. It is
//! started again, its client repeats its request, and a target that counts for itself says what was sent twice.

use std::ops::AddAssign;
use std::path::Path;
use std::time::Duration;

use serde_json::json;

use crate::Result;
use crate::bench::Bench;
use crate::counter::Counter;
use crate::runs::{self, Wanted};
use crate::service::Service;
use crate::table::{Table, Targets};

/// Where in the life of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum When {
    Life,
    /// In what the daemon does when it is started again after a crash in the middle of the load.
    Recovery,
}

/// As `store::fault_point` is called.
const POINTS: [(&str, When); 15] = [
    ("before-accept", When::Life),
    ("after-accept", When::Life),
    ("before-begin", When::Life),
    ("after-begin", When::Life),
    ("in-setup", When::Life),
    ("in-load", When::Life),
    ("in-teardown", When::Life),
    ("hook-begun", When::Life),
    ("action-done", When::Life),
    ("action-ended", When::Life),
    ("before-finish", When::Life),
    ("after-finish", When::Life),
    ("before-mending", When::Recovery),
    ("before-interrupt", When::Recovery),
    ("after-interrupt", When::Recovery),
];

const ITERATIONS: u64 = 20;
/// Where the hook of each run leaves a line.
const HOOKS: &str = "hooks";

const PLAN: &str = r#"name: kill
vars: {TARGET: null, TRIAL: null, HOOKS: null}
preflight: [{http: {url: "${TARGET}/preflight/${TRIAL}"}}]
setup: [{http: {url: "${TARGET}/setup/${TRIAL}"}}]
scenarios:
  load:
    executor: shared-iterations
    vus: 2
    iterations: 20
    flow:
      - http: {url: "${TARGET}/load/${TRIAL}", name: load}
      - sleep: 100ms
teardown: [{http: {url: "${TARGET}/teardown/${TRIAL}"}}]
hooks:
  always: [{exec: {command: "echo ${TRIAL} >>${HOOKS}"}}]
"#;

/// A run of the plan takes some 1.2 s.
const RANDOM_WITHIN_MS: u64 = 1_600;
const TO_REACH: Duration = Duration::from_secs(20);
const TO_END: Duration = Duration::from_secs(60);

/// What came of trials.
#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    trials: u64,
    /// The daemon died where it was to.
    reached: u64,
    /// The client was told that its run is kept, before the daemon died.
    acknowledged: u64,
    /// Of those: not there any more.
    lost: u64,
    /// More than one run for one request, or more load than was asked for.
    doubled: u64,
    hooks_doubled: u64,
    hooks_missed: u64,
    interrupted: u64,
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Tally) {
        self.trials += other.trials;
        self.reached += other.reached;
        self.acknowledged += other.acknowledged;
        self.lost += other.lost;
        self.doubled += other.doubled;
        self.hooks_doubled += other.hooks_doubled;
        self.hooks_missed += other.hooks_missed;
        self.interrupted += other.interrupted;
    }
}

pub(crate) fn run(bench: &Bench, targets: &mut Targets) -> Result<()> {
    let counter = Counter::start()?;
    let folder = bench.folder().join("kills");
    std::fs::create_dir_all(&folder)?;
    let mut table = Table::titled(&[
        "killed",
        "trials",
        "reached",
        "acked",
        "lost",
        "doubled",
        "hooks doubled",
        "hooks not run",
        "interrupted",
    ]);
    let mut all = Tally::default();
    let mut random = fastrand::Rng::with_seed(bench.seed);
    let times = bench.either(10, 1);
    for (point, when) in POINTS {
        let mut tally = Tally::default();
        for nth in 0..times {
            tally += at_point(&folder, &counter, point, when, &format!("{point}-{nth}"))
                .map_err(|error| format!("{point}, trial {nth}: {error}"))?;
        }
        table.row(row(point, tally));
        all += tally;
    }
    let mut tally = Tally::default();
    for nth in 0..bench.either(50, 5) {
        let moment = Duration::from_millis(random.u64(0..RANDOM_WITHIN_MS));
        tally += at_moment(&folder, &counter, moment, &format!("random-{nth}"))
            .map_err(|error| format!("{moment:?} after the start, trial {nth}: {error}"))?;
    }
    table.row(row("at random", tally));
    all += tally;
    table.row(row("all", all));
    table.print(&format!("Kills (seed {})", bench.seed));
    targets.at_most("kills: acknowledged runs that were lost", all.lost as f64, 0.0);
    targets.at_most("kills: runs or loads that were doubled", all.doubled as f64, 0.0);
    targets.at_most("kills: hooks that were doubled", all.hooks_doubled as f64, 0.0);
    targets.at_most("kills: hooks that were not done", all.hooks_missed as f64, 0.0);
    // A point that is never reached has not been tried.
    targets.at_least(
        "kills: trials in which the daemon died where it was to",
        all.reached as f64,
        all.trials as f64,
    );
    Ok(())
}

fn row(name: &str, tally: Tally) -> Vec<String> {
    let Tally { trials, reached, acknowledged, lost, doubled, hooks_doubled, hooks_missed, interrupted } =
        tally;
    let numbers = [trials, reached, acknowledged, lost, doubled, hooks_doubled, hooks_missed, interrupted]
        .map(|n| n.to_string());
    std::iter::once(name.to_owned()).chain(numbers).collect()
}

fn wanted(folder: &Path, counter: &Counter, trial: &str) -> Wanted {
    let target = format!("http://{}", counter.address);
    let env = json!({"TARGET": target, "TRIAL": trial, "HOOKS": folder.join(HOOKS)});
    Wanted { plan: PLAN, env, key: trial.to_owned() }
}

fn at_point(folder: &Path, counter: &Counter, point: &str, when: When, trial: &str) -> Result<Tally> {
    let wanted = wanted(folder, counter, trial);
    let mut daemon = Service::daemon(folder, (when == When::Life).then_some(point))?;
    daemon.ready("/-/ready")?;
    let acknowledged = wanted.submit(daemon.address).ok();
    if when == When::Recovery {
        let id = acknowledged.clone().ok_or("the run was not accepted")?;
        runs::until(daemon.address, &id, &["running"], TO_REACH)?;
        daemon.kill()?;
        daemon = Service::daemon(folder, Some(point))?;
    }
    let reached = daemon.ended(TO_REACH)?.is_some();
    drop(daemon);
    afterwards(folder, counter, &wanted, acknowledged, reached)
}

fn at_moment(folder: &Path, counter: &Counter, moment: Duration, trial: &str) -> Result<Tally> {
    let wanted = wanted(folder, counter, trial);
    let mut daemon = Service::daemon(folder, None)?;
    daemon.ready("/-/ready")?;
    let (address, asked) = (daemon.address, wanted.clone());
    // The request may be under way when it dies.
    let client = std::thread::spawn(move || asked.submit(address).ok());
    std::thread::sleep(moment);
    daemon.kill()?;
    let acknowledged = client.join().map_err(|_| "the client panicked")?;
    afterwards(folder, counter, &wanted, acknowledged, true)
}

/// The daemon comes back, and the client asks again, as one does that got no answer.
fn afterwards(
    folder: &Path,
    counter: &Counter,
    wanted: &Wanted,
    acknowledged: Option<String>,
    reached: bool,
) -> Result<Tally> {
    let mut daemon = Service::daemon(folder, None)?;
    daemon.ready("/-/ready")?;
    let kept = acknowledged.as_ref().map(|id| runs::is_there(daemon.address, id)).transpose()?;
    let id = wanted.submit(daemon.address)?;
    let state = runs::until(daemon.address, &id, &["finished", "interrupted"], TO_END)?;
    let load = counter.count(&format!("/load/{}", wanted.key));
    let hooks = std::fs::read_to_string(folder.join(HOOKS)).unwrap_or_default();
    let hooks = hooks.lines().filter(|line| *line == wanted.key).count();
    let same = acknowledged.as_ref().is_none_or(|before| *before == id);
    let several = runs::of_trial(daemon.address, "kill", &wanted.key)? > 1;
    Ok(Tally {
        trials: 1,
        reached: u64::from(reached),
        acknowledged: u64::from(acknowledged.is_some()),
        lost: u64::from(kept == Some(false)),
        doubled: u64::from(load > ITERATIONS || several || !same),
        hooks_doubled: u64::from(hooks > 1),
        hooks_missed: u64::from(hooks == 0),
        interrupted: u64::from(state == "interrupted"),
    })
}

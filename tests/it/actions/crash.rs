//! A run whose process is killed, and what another process makes of it.

use std::fs::{self, OpenOptions};
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use loadgate::action::{Journaled, Options};
use loadgate::config::{self, LoadOptions};
use loadgate::family::Family;
use loadgate::plan::{Plan, compile};
use loadgate::report::Progress;
use loadgate::run::{Listener, Mended, RunOptions, execute, finish_interrupted};
use loadgate::scheduler;
use tempfile::TempDir;

use super::journal::FileJournal;

/// Set for the process that is killed.
const CRASHING: &str = "LOADGATE_TEST_RUN_CRASHING_IN";

struct Nobody;

impl Listener for Nobody {
    fn progress(&mut self, _progress: &Progress) {}

    fn families(&mut self, _families: Vec<Family>) {}
}

fn plan(folder: &Path) -> Arc<Plan> {
    let text = fs::read_to_string(folder.join("plan.yml")).unwrap();
    let loaded = config::load("plan.yml", &text, &LoadOptions::default()).unwrap();
    Arc::new(compile(&loaded, folder).unwrap())
}

fn options(folder: &Path) -> Options {
    let journal = FileJournal::in_folder(&folder.join("journal"));
    Options { allow_exec: true, journal: Some(Arc::new(journal)), environment: None }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// Not a test by itself: the process that [`crashed`] kills.
#[test]
fn runs_a_plan_and_is_killed() {
    let Some(folder) = std::env::var_os(CRASHING).map(PathBuf::from) else { return };
    let options = RunOptions {
        testid: "t1".to_owned(),
        tags: Vec::new(),
        load: scheduler::LoadOptions { workers: 1, ..scheduler::LoadOptions::default() },
        store: Arc::default(),
        external_url: String::new(),
        prometheus: None,
        standing: None,
        control: None,
        written: None,
        actions: options(&folder),
    };
    let _ = runtime().block_on(execute(plan(&folder), options, &mut Nobody, std::future::pending()));
}

/// Runs the plan in a process of its own and kills that with SIGKILL once something has written to `ready`, a FIFO.
fn crashed(plan: &str) -> TempDir {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("plan.yml"), plan).unwrap();
    let ready = folder.path().join("ready");
    for fifo in [&ready, &folder.path().join("go")] {
        assert!(Command::new("mkfifo").arg(fifo).status().unwrap().success());
    }
    let mut run = Command::new(std::env::current_exe().unwrap());
    run.args(["--exact", "actions::crash::runs_a_plan_and_is_killed"]).env(CRASHING, folder.path());
    let mut run = run.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let (tell, told) = mpsc::channel();
    // Open at both ends, so that nobody waits for the other.
    let both = OpenOptions::new().read(true).write(true).open(&ready).unwrap();
    std::thread::spawn(move || {
        let mut said = String::new();
        let _ = BufReader::new(both).read_line(&mut said);
        let _ = tell.send(said);
    });
    let said = loop {
        match told.recv_timeout(Duration::from_millis(20)) {
            Ok(said) => break said,
            Err(_) => assert!(matches!(run.try_wait(), Ok(None)), "the run ended by itself"),
        }
    };
    assert_eq!(said, "ready\n");
    run.kill().unwrap();
    run.wait().unwrap();
    folder
}

fn journaled(folder: &TempDir) -> Vec<Journaled> {
    FileJournal::in_folder(&folder.path().join("journal")).read()
}

fn mend(folder: &TempDir) -> Mended {
    let (plan, notes) = (plan(folder.path()), journaled(folder));
    runtime().block_on(finish_interrupted(plan, "t1", &notes, options(folder.path())))
}

fn lines(folder: &TempDir, file: &str) -> Vec<String> {
    let text = fs::read_to_string(folder.path().join(file)).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

fn plan_with(flow: &str, rest: &str) -> String {
    format!("name: cut\nscenarios:\n  once:\n    executor: per-vu-iterations\n    flow: [{flow}]\n{rest}")
}

#[test]
fn a_hook_that_outlives_its_run_is_waited_for_and_what_follows_is_done_once() {
    let folder = crashed(&plan_with(
        "sleep: 1ms",
        "hooks:
  on_failure: [{exec: {command: echo never >>done}}]
  always:
    - exec: {command: echo first >>done}
    - exec: {command: 'echo second >>done; echo ready >ready; read line <go'}
    - exec: {command: 'echo third $LOADGATE_VERDICT >>done'}
",
    ));
    let go = folder.path().join("go");
    let teller = std::thread::spawn(move || fs::write(go, "go\n").unwrap());
    let mended = mend(&folder);
    teller.join().unwrap();
    assert_eq!(lines(&folder, "done"), ["first", "second", "third passed"]);
    assert!(
        mended.hooks.len() == 2 && mended.hooks.iter().all(|hook| hook.outcome.succeeded()),
        "{mended:?}"
    );
    assert!(journaled(&folder).iter().all(|note| note.outcome.is_some()));
    assert_eq!(mend(&folder), Mended::default(), "there is nothing left to do");
}

#[test]
fn a_hook_that_was_killed_with_its_run_is_done_again() {
    let folder = crashed(&plan_with(
        "sleep: 1ms",
        "hooks: {always: [{exec: {command: 'test -e once && exec echo again >>done; touch once; echo ready >ready; sleep 600'}}]}\n",
    ));
    let claim = fs::read_link(folder.path().join("journal/hook-always-0/1/claim")).unwrap();
    let group = format!("-{}", claim.to_str().unwrap().split(':').next().unwrap());
    assert!(Command::new("kill").args(["-KILL", "--", &group]).status().unwrap().success());
    let mended = mend(&folder);
    assert_eq!((lines(&folder, "done"), mended.hooks.len()), (vec!["again".to_owned()], 1));
    assert_eq!(mended.hooks[0].outcome.error, None);
}
#[test]
fn a_run_that_is_cut_before_its_verdict_has_what_is_always_done_done() {
    let folder = crashed(&plan_with(
        "sleep: 1h",
        "hooks:
  on_failure: [{exec: {command: echo never >>done}}]
  always: [{exec: {command: 'echo $LOADGATE_VERDICT $LOADGATE_EXIT_CODE >>done'}}]
chaos: [{at: 0s, do: {exec: {command: 'echo fault >>done; echo ready >ready'}}, undo: {exec: {command: 'echo undone >>done'}}}]
",
    ));
    mend(&folder);
    assert_eq!(lines(&folder, "done"), ["fault", "undone", "interrupted 1"]);
    mend(&folder);
    assert_eq!(lines(&folder, "done").len(), 3, "each once");
}

#[test]
fn a_fault_that_cannot_be_undone_yet_stays_in_the_journal_until_it_is() {
    let folder = crashed(&plan_with(
        "sleep: 1h",
        "chaos: [{at: 0s, do: {exec: {command: echo ready >ready}}, undo: {exec: {command: test -e allowed && echo undone >>done}}}]\n",
    ));
    let mended = mend(&folder);
    assert!(mended.faults.len() == 1 && !mended.faults[0].1.succeeded(), "{mended:?}");
    assert_eq!(journaled(&folder)[0].outcome, None);
    fs::write(folder.path().join("allowed"), "").unwrap();
    let mended = mend(&folder);
    assert!(mended.faults.len() == 1 && mended.faults[0].1.succeeded(), "{mended:?}");
    assert_eq!((mend(&folder), lines(&folder, "done")), (Mended::default(), vec!["undone".to_owned()]));
}

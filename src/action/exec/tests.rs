//! Real programs, also those whose starter is killed.

use std::fs;
use std::io::BufRead as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;

use super::*;
use crate::action::{Entry, Journal};

/// Keeps nothing but the folder.
#[derive(Debug)]
struct Folder(PathBuf);

impl Journal for Folder {
    fn begin(&self, _key: &str, _entry: &Entry) -> io::Result<()> {
        Ok(())
    }

    fn end(&self, _key: &str, _outcome: &Outcome) -> io::Result<()> {
        Ok(())
    }

    fn folder(&self) -> &Path {
        &self.0
    }
}

fn shell(line: &str, timeout: Duration) -> Exec {
    let arguments = ["sh", "-c", line].map(str::to_owned).to_vec();
    Exec { arguments, timeout, env: Vec::new(), dir: PathBuf::from(".") }
}

fn journaled(folder: &Path) -> Options {
    let journal: Arc<dyn Journal> = Arc::new(Folder(folder.to_owned()));
    Options { allow_exec: true, journal: Some(journal), environment: None }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

fn ran(exec: &Exec, options: &Options, env: &[(String, String)]) -> Outcome {
    runtime().block_on(run(exec, Surroundings { options, env, key: "hook" }))
}

fn resumed(exec: &Exec, options: &Options) -> Option<Outcome> {
    runtime().block_on(resume(exec, Surroundings { options, env: &[], key: "hook" }))
}

fn allowed() -> Options {
    Options { allow_exec: true, ..Options::default() }
}

const LONG: Duration = Duration::from_secs(60);

#[test]
fn a_program_is_judged_by_its_exit_status_and_its_output_is_kept() {
    for (line, error) in [
        ("echo out; echo err >&2", None),
        ("echo bad >&2; exit 3", Some("exit status 3; bad")),
        ("kill -TERM $$", Some("exit status 143: killed by signal 15")),
    ] {
        let outcome = ran(&shell(line, LONG), &allowed(), &[]);
        assert_eq!(outcome.error.as_deref(), error, "{line}: {outcome:?}");
    }
    let output = ran(&shell("echo out; echo err >&2", LONG), &allowed(), &[]).output.unwrap();
    assert_eq!((output.stdout.text.as_str(), output.stderr.text.as_str()), ("out\n", "err\n"));
    let none = Exec { arguments: vec!["/no/such/program".to_owned()], ..shell("", LONG) };
    let error = ran(&none, &allowed(), &[]).error.unwrap();
    assert!(error.starts_with("exit status 127: there is no such program"), "{error}");
}

#[test]
fn arguments_reach_the_program_as_they_are_and_no_shell_builtin_is_meant() {
    let exec = |arguments: &[&str]| Exec {
        arguments: arguments.iter().map(|word| (*word).to_owned()).collect(),
        ..shell("", LONG)
    };
    let outcome = ran(&exec(&["printf", "%s|", "a b", "$HOME", "*", ""]), &allowed(), &[]);
    assert_eq!(outcome.output.unwrap().stdout.text, "a b|$HOME|*||");
    let outcome = ran(&exec(&["keep", "x"]), &allowed(), &[]);
    assert!(outcome.error.unwrap().starts_with("exit status 127"));
}

#[test]
fn of_much_output_the_beginning_is_kept_and_the_rest_counted() {
    let outcome = ran(&shell("head -c 200000 /dev/zero | tr '\\0' x", LONG), &allowed(), &[]);
    let stdout = outcome.output.unwrap().stdout;
    assert_eq!((stdout.text.len(), stdout.more_bytes), (65_536, 200_000 - 65_536));
    assert_eq!(outcome.error, None);
}

#[test]
fn a_program_sees_what_it_is_given_and_nothing_else_where_the_environment_is_closed() {
    let options =
        Options { environment: Some(vec![("PATH".to_owned(), std::env::var("PATH").unwrap())]), ..allowed() };
    let env = [("LOADGATE_TESTID".to_owned(), "t1".to_owned())];
    let mut exec = shell("echo $LOADGATE_TESTID $OWN ${CARGO_MANIFEST_DIR-closed}", LONG);
    exec.env = vec![("OWN".to_owned(), "own".to_owned())];
    assert_eq!(ran(&exec, &options, &env).output.unwrap().stdout.text, "t1 own closed\n");
    assert!(!ran(&exec, &allowed(), &env).output.unwrap().stdout.text.contains("closed"), "else it is open");
}

#[test]
fn what_is_too_slow_is_killed_with_all_that_it_has_started() {
    let folder = TempDir::new().unwrap();
    let pids = folder.path().join("pids");
    let line = format!("sleep 600 & echo $! >{0}; echo $$ >>{0}; echo partly; wait", pids.display());
    let outcome = ran(&shell(&line, Duration::from_millis(500)), &allowed(), &[]);
    assert_eq!(outcome.error.as_deref(), Some("not done in time (500ms): it was killed"));
    for pid in fs::read_to_string(&pids).unwrap().lines() {
        let lives = || {
            let stat = procfs::process::Process::new(pid.parse().unwrap()).and_then(|process| process.stat());
            stat.is_ok_and(|stat| stat.state != 'Z')
        };
        // It is killed by then, and may have to wait for a core to die on.
        let patience = std::time::Instant::now() + LONG;
        while lives() {
            assert!(std::time::Instant::now() < patience, "{pid} lives");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

#[test]
fn what_a_program_leaves_running_does_not_keep_it() {
    let outcome = ran(&shell("sleep 2 & echo begun", LONG), &allowed(), &[]);
    assert_eq!((outcome.error, outcome.output.unwrap().stdout.text.as_str()), (None, "begun\n"));
}

#[test]
fn programs_are_refused_where_they_are_not_allowed() {
    let outcome = ran(&shell("echo never", LONG), &Options::default(), &[]);
    assert!(outcome.error.unwrap().contains("--allow-exec") && outcome.output.is_none());
}

#[test]
fn a_program_that_ended_before_the_crash_is_not_run_again() {
    let folder = TempDir::new().unwrap();
    let options = journaled(folder.path());
    let exec = shell("echo once; exit 4", LONG);
    let first = ran(&exec, &options, &[]);
    let later = resumed(&exec, &options).unwrap();
    assert_eq!((later.error, later.output), (first.error, first.output));
}

#[test]
fn a_program_that_never_came_to_run_is_run_again_and_its_late_shell_ends_at_once() {
    let folder = TempDir::new().unwrap();
    let options = journaled(folder.path());
    let exec = shell("echo ran", LONG);
    assert_eq!(resumed(&exec, &options), None, "nothing was begun");
    let made = next_folder(&folder.path().join("hook")).unwrap();
    assert_eq!(resumed(&exec, &options), None);
    let late = runtime()
        .block_on(Attempt::new(made).run(&exec, Surroundings { options: &options, env: &[], key: "hook" }));
    assert!(late.error.is_some() && late.output.is_none(), "{late:?}");
}

/// Set for the process that begins a program and is killed.
const CRASHING: &str = "LOADGATE_TEST_CRASHING_IN";

/// Not a test by itself: what [`after_a_crash`] kills.
#[test]
fn begins_a_program_and_is_killed() {
    let Some(folder) = std::env::var_os(CRASHING).map(PathBuf::from) else { return };
    let line = fs::read_to_string(folder.join("line")).unwrap();
    ran(&shell(&line, LONG), &journaled(&folder.join("journal")), &[]);
}

/// Begins a program in a process of its own, kills that with SIGKILL once the program has said so in `ready` (a FIFO).
fn after_a_crash(line: &str, check: impl FnOnce(&Path, &Options)) {
    let folder = TempDir::new().unwrap();
    let ready = folder.path().join("ready");
    assert!(Command::new("mkfifo").arg(&ready).status().unwrap().success());
    let line = line.replace("DIR", folder.path().to_str().unwrap());
    fs::write(folder.path().join("line"), line).unwrap();
    let mut starter = Command::new(std::env::current_exe().unwrap());
    starter.args(["--exact", "action::exec::tests::begins_a_program_and_is_killed", "--nocapture"]);
    let mut starter = starter.env(CRASHING, folder.path()).stdout(Stdio::null()).spawn().unwrap();
    let mut said = String::new();
    io::BufReader::new(fs::File::open(&ready).unwrap()).read_line(&mut said).unwrap();
    assert_eq!(said, "ready\n");
    starter.kill().unwrap();
    starter.wait().unwrap();
    check(folder.path(), &journaled(&folder.path().join("journal")));
}

#[test]
fn a_program_that_outlives_the_crash_is_waited_for_and_not_run_again() {
    after_a_crash(
        "mkfifo DIR/go; echo ready >DIR/ready; read line <DIR/go; echo $line; echo x >>DIR/count",
        |folder, options| {
            let go = folder.join("go");
            let teller = std::thread::spawn(move || fs::write(go, "went on\n").unwrap());
            let outcome = resumed(&shell("exit 9", LONG), options).unwrap();
            teller.join().unwrap();
            assert_eq!((outcome.error, outcome.output.unwrap().stdout.text.as_str()), (None, "went on\n"));
            assert_eq!(fs::read_to_string(folder.join("count")).unwrap(), "x\n");
        },
    );
}

#[test]
fn a_program_that_was_killed_with_its_starter_is_run_again() {
    after_a_crash("echo ready >DIR/ready; echo x >>DIR/count; exec sleep 600", |folder, options| {
        let claim = fs::read_link(folder.join("journal/hook/1/claim")).unwrap();
        let group = format!("-{}", claim.to_str().unwrap().split(':').next().unwrap());
        assert!(Command::new("kill").args(["-KILL", "--", &group]).status().unwrap().success());
        assert_eq!(resumed(&shell("exit 9", LONG), options), None);
        let again = ran(&shell("echo again", LONG), options, &[]);
        assert_eq!(again.output.unwrap().stdout.text, "again\n");
        assert_eq!(folders(&folder.join("journal/hook")).len(), 2);
        assert!(resumed(&shell("exit 9", LONG), options).unwrap().succeeded(), "the second attempt counts");
    });
}

#[test]
fn a_program_that_outlives_the_crash_and_its_time_is_killed() {
    after_a_crash("echo ready >DIR/ready; exec sleep 600", |_, options| {
        let short = shell("exit 9", Duration::from_millis(300));
        let outcome = resumed(&short, options).unwrap();
        assert_eq!(outcome.error.as_deref(), Some("not done in time (300ms): it was killed"));
        assert_eq!(resumed(&short, options).unwrap().error, outcome.error, "and stays so");
    });
}

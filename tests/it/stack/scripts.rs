//! The scripts where there is no docker: they say what they can do, what is wrong, and what mends it.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::{BINARY, ROOT, command, read, stderr, stdout};

const RUN: &str = "scripts/run-slo-testing.sh";

fn run(arguments: &[&str]) -> Command {
    let mut command = command(Path::new(ROOT).join(RUN));
    command.args(arguments);
    command
}

/// A folder for PATH with these programs of the machine's, and nothing else.
fn only(programs: &[&str]) -> TempDir {
    let folder = TempDir::new().unwrap();
    for program in programs {
        let found = ["/usr/bin", "/bin"].map(|bin| Path::new(bin).join(program));
        let found: &PathBuf = found.iter().find(|path| path.exists()).unwrap();
        symlink(found, folder.path().join(program)).unwrap();
    }
    folder
}

const BASICS: [&str; 10] =
    ["bash", "env", "dirname", "basename", "sed", "tail", "head", "cat", "mkdir", "date"];

#[test]
fn help_names_every_verb() {
    let output = run(&["help"]).output().unwrap();
    assert!(output.status.success());
    let help = stdout(&output);
    let script = read(RUN);
    let (_, cases) = script.split_once("case $verb in\n").unwrap();
    // A verb stands alone before a parenthesis, four spaces in.
    let verbs: Vec<&str> = cases
        .lines()
        .filter_map(|line| {
            line.strip_prefix("    ").filter(|line| line.starts_with(|c: char| c.is_ascii_lowercase()))
        })
        .filter_map(|line| line.split_once(')').map(|(verb, _)| verb))
        .filter(|verb| !verb.starts_with("help"))
        .collect();
    assert!(verbs.len() > 10, "{verbs:?}");
    for verb in verbs {
        assert!(help.contains(&format!("{RUN} {verb} ")), "help does not name `{verb}`:\n{help}");
    }
    for verb in ["start-monitoring", "run-websocket", "run-health", "run-comprehensive", "stop-monitoring"] {
        assert!(help.contains(verb), "{verb}");
    }
}

#[test]
fn an_unknown_verb_is_refused_with_those_that_there_are() {
    let output = run(&["start-monitorin"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("start-monitoring "));
    assert!(
        stderr(&output).ends_with("run-slo-testing.sh: unknown verb `start-monitorin`\n"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn urls_follow_the_ports_of_environment_and_file() {
    let url = |verb: &str| stdout(&run(&[verb]).output().unwrap());
    assert_eq!(url("dashboard-url"), "http://localhost:3001/d/loadgate-slo\n");
    assert_eq!(url("prometheus-url"), "http://localhost:9090\n");
    assert_eq!(url("page-url"), "http://localhost:5665\n");

    let folder = TempDir::new().unwrap();
    let file = folder.path().join("settings");
    fs::write(&file, "# GRAFANA_PORT=1\nGRAFANA_PORT=3002 # another has 3001\nPROMETHEUS_PORT=\"9091\"\n")
        .unwrap();
    let url = |verb: &str| {
        stdout(&run(&[verb]).env("ENV_FILE", &file).env("LOADGATE_PORT", "5666").output().unwrap())
    };
    assert_eq!(url("dashboard-url"), "http://localhost:3002/d/loadgate-slo\n");
    assert_eq!(url("prometheus-url"), "http://localhost:9091\n");
    assert_eq!(url("page-url"), "http://localhost:5666\n");
}

#[test]
fn the_dashboard_that_is_named_exists() {
    let url = stdout(&run(&["dashboard-url"]).output().unwrap());
    let (_, uid) = url.trim().rsplit_once('/').unwrap();
    let dashboard: serde_json::Value =
        serde_json::from_str(&read(&format!("grafana/dashboards/{uid}.json"))).unwrap();
    assert_eq!(dashboard["uid"], uid);
}

#[test]
fn without_docker_the_script_says_how_to_do_without() {
    let path = only(&BASICS);
    let output = run(&["start-monitoring"]).env("PATH", path.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("docker is not installed"), "{}", stderr(&output));
    assert!(stderr(&output).contains("loadgate demo"), "{}", stderr(&output));
}

/// A docker that has no daemon is what a user without rights, and one before `systemctl start docker`, has.
#[test]
fn a_daemon_that_cannot_be_reached_is_named() {
    let path = only(&BASICS);
    let program = |name: &str, text: &str| {
        use std::os::unix::fs::PermissionsExt as _;
        let file = path.path().join(name);
        fs::write(&file, text).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    };
    program(
        "docker",
        "#!/bin/sh\ncase $1 in compose) exit 0 ;; esac\necho 'permission denied: /var/run/docker.sock' >&2\nexit 1\n",
    );
    let output = run(&["stop-monitoring"]).env("PATH", path.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = stderr(&output);
    assert!(
        said.contains("docker's daemon cannot be reached: permission denied: /var/run/docker.sock"),
        "{said}"
    );
}

#[test]
fn a_custom_test_takes_a_plan_that_the_container_sees() {
    let custom = |plan: &str| {
        let results = TempDir::new().unwrap();
        let mut command = run(&["run", "custom"]);
        command.env("RESULTS", results.path()).env("CUSTOM_SCRIPT", plan).output().unwrap()
    };
    for (plan, expected) in [
        ("", "CUSTOM_SCRIPT=config/plans/flash-sale.yml"),
        ("/etc/passwd", "below config/"),
        ("config/plans/no.yml", "no plan `config/plans/no.yml`"),
    ] {
        let output = custom(plan);
        assert_eq!(output.status.code(), Some(2), "{plan}");
        assert!(stderr(&output).contains(expected), "{plan}: {}", stderr(&output));
    }
}

#[test]
fn an_ssh_host_alone_is_answered_with_what_it_takes() {
    let results = TempDir::new().unwrap();
    let output =
        run(&["run-health"]).env("RESULTS", results.path()).env("SSH_HOST", "me@far").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("ssh -N -L 15665:127.0.0.1:5665 me@far"), "{}", stderr(&output));
}

/// With a daemon elsewhere no docker is needed, and the exit code is loadgate's.
#[test]
fn a_run_on_a_daemon_elsewhere_exits_as_loadgate_does_and_keeps_what_was_said() {
    let results = TempDir::new().unwrap();
    // Nobody listens there.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let output = run(&["run-health"])
        .env("RESULTS", results.path())
        .env("LOADGATE_SERVER", format!("http://127.0.0.1:{port}"))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", stdout(&output));
    assert!(stdout(&output).contains("is `loadgate serve` running there?"), "{}", stdout(&output));
    let kept: Vec<PathBuf> =
        fs::read_dir(results.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    let [log] = &kept[..] else { panic!("{kept:?}") };
    assert_eq!(fs::read_to_string(log).unwrap(), stdout(&output));
}

#[test]
fn what_is_shipped_is_valid() {
    let output = run(&["validate"]).output().unwrap();
    assert!(output.status.success(), "{}", stdout(&output));
    for line in [
        "ok       plans and loadgate's configurations",
        "ok       alert rules",
        "ok       unit tests of alert rules",
    ] {
        assert!(stdout(&output).lines().any(|said| said == line), "{}", stdout(&output));
    }
}

#[test]
fn what_is_wrong_is_found_and_shown() {
    let folder = TempDir::new().unwrap();
    for part in ["scripts", "config", "alerting", "grafana", "prometheus", "docker-compose.yml"] {
        let copied =
            Command::new("cp").arg("-r").arg(Path::new(ROOT).join(part)).arg(folder.path()).status().unwrap();
        assert!(copied.success());
    }
    // One file of unit tests says as much as all of them.
    let tests = folder.path().join("alerting/tests");
    fs::remove_dir_all(&tests).unwrap();
    fs::create_dir(&tests).unwrap();
    fs::copy(Path::new(ROOT).join("alerting/tests/backend.yml"), tests.join("backend.yml")).unwrap();
    let plan = folder.path().join("config/plans/health.yml");
    let broken = fs::read_to_string(&plan)
        .unwrap()
        .replace("executor: constant-arrival-rate", "executor: constant-rate");
    fs::write(&plan, broken).unwrap();
    let dashboard = folder.path().join("grafana/dashboards/loadgate-slo.json");
    fs::write(&dashboard, "{").unwrap();

    let output = command(folder.path().join("scripts/validate-slo-setup.sh"))
        .env("LOADGATE", BINARY)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = stdout(&output);
    assert!(said.contains("WRONG    plans and loadgate's configurations"), "{said}");
    assert!(said.contains("config/plans/health.yml:"), "{said}");
    assert!(
        said.contains("WRONG    grafana/dashboards/loadgate-slo.json is JSON")
            || said.contains("no `python3`"),
        "{said}"
    );
    assert!(said.contains("ok       alert rules"), "{said}");
}

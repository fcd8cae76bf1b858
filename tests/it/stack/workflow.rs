//! The example for GitHub Actions: YAML, commands that parse, and steps that end as the run does.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use granit_parser::{Event, Parser};
use tempfile::TempDir;

use super::{assert_parses, read};

const WORKFLOW: &str = "docs/ci/github-actions.yml";

/// All scalars, in order: keys and values take turns within a mapping.
fn scalars() -> Vec<String> {
    let text = read(WORKFLOW);
    let events = Parser::new_from_str(&text)
        .map(|event| event.unwrap_or_else(|error| panic!("{WORKFLOW}: {error}")).0);
    events
        .filter_map(
            |event| if let Event::Scalar(value, ..) = event { Some(value.into_owned()) } else { None },
        )
        .collect()
}

/// What each step has the shell do.
fn scripts() -> Vec<String> {
    let scalars = scalars();
    let values =
        scalars.windows(2).filter(|pair| pair[0] == "run" && pair[1] != "shell").map(|pair| pair[1].clone());
    values.collect()
}

#[test]
fn its_commands_are_ours() {
    let mut checked = 0;
    for script in scripts() {
        for line in script.replace("\\\n", " ").lines() {
            let words: Vec<&str> = line.split_whitespace().map(|word| word.trim_matches('"')).collect();
            let ["loadgate", arguments @ ..] = &words[..] else { continue };
            let shells = arguments.iter().position(|word| ["2>&1", "|", "&"].contains(word));
            assert_parses(&arguments[..shells.unwrap_or(arguments.len())]);
            checked += 1;
        }
    }
    assert_eq!(checked, 4);
}

/// What people type into the form of a workflow is never between the lines of a script.
#[test]
fn nothing_is_pasted_into_a_script() {
    let scripts = scripts();
    assert!(scripts.len() >= 4, "{scripts:?}");
    for script in scripts {
        assert!(!script.contains("${{"), "{script}");
    }
}

#[test]
fn results_are_kept_whatever_came_of_the_run() {
    let text = read(WORKFLOW);
    let (_, keep) = text.split_once("- name: Keep the results\n").unwrap();
    assert!(keep.contains("if: ${{ always() }}"), "{keep}");
    assert!(keep.contains("path: results/"), "{keep}");
    let run = scripts().into_iter().find(|script| script.contains("loadgate run")).unwrap();
    for kept in ["--summary-export results/", "--junit results/", "--report results/"] {
        assert!(run.contains(kept), "{run}");
    }
}

/// GitHub runs a step of `shell: bash` with these flags. Without `shell` there would be no pipefail, and `tee` would pass.
#[test]
fn a_step_ends_with_the_exit_code_of_the_run() {
    let scalars = scalars();
    assert!(scalars.windows(3).any(|three| three == ["run", "shell", "bash"]));
    let run = scripts().into_iter().find(|script| script.contains("loadgate run")).unwrap();
    let folder = TempDir::new().unwrap();
    let program = folder.path().join("loadgate");
    fs::write(&program, "#!/bin/sh\necho 'verdict: FAILED'\nexit 99\n").unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let path = std::env::join_paths(
        [folder.path().to_owned()]
            .into_iter()
            .chain(std::env::split_paths(&std::env::var_os("PATH").unwrap())),
    )
    .unwrap();
    let status = Command::new("bash")
        .args(["--noprofile", "--norc", "-eo", "pipefail", "-c", &run])
        .current_dir(folder.path())
        .env("PATH", path)
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(99));
    assert_eq!(fs::read_to_string(folder.path().join("results/log.txt")).unwrap(), "verdict: FAILED\n");
}

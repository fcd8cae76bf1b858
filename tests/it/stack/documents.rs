//! What docs/monitoring.md tells people to do is there to be done.

use std::path::Path;

use super::{ROOT, assert_parses, read, stderr};

const PAGE: &str = "docs/monitoring.md";

/// Lines of the blocks of shell.
fn shell_lines() -> Vec<String> {
    let page = read(PAGE);
    let blocks = page.split("\n```").skip(1).step_by(2).filter_map(|block| block.strip_prefix("sh\n"));
    blocks.flat_map(str::lines).map(|line| line.split("  #").next().unwrap().trim().to_owned()).collect()
}

/// What stands in backticks, and in blocks of shell.
fn commands() -> Vec<String> {
    let page = read(PAGE);
    let prose: String = page.split("\n```").step_by(2).collect();
    let quoted = prose.split('`').skip(1).step_by(2).map(str::to_owned);
    quoted.chain(shell_lines()).collect()
}

#[test]
fn commands_of_ours_parse() {
    let mut checked = 0;
    for command in commands() {
        // `loadgate (embedded)` is the name of a data source.
        let arguments = command.strip_prefix("loadgate ").filter(|arguments| !arguments.starts_with('('));
        let Some(arguments) = arguments else { continue };
        assert_parses(&arguments.split_whitespace().collect::<Vec<_>>());
        checked += 1;
    }
    assert!(checked >= 3, "{checked}");
}

#[test]
fn verbs_of_make_exist() {
    let makefile = read("Makefile");
    let mut checked = 0;
    for command in commands() {
        let Some((_, verb)) = command.split_once("make ") else { continue };
        let verb = verb.split_whitespace().next().unwrap();
        assert!(makefile.contains(&format!("\n{verb}:")), "make {verb}");
        checked += 1;
    }
    assert!(checked >= 5, "{checked}");
}

#[test]
fn services_and_files_exist() {
    let compose = read("docker-compose.yml");
    let mut checked = 0;
    for command in commands().iter().filter(|command| command.starts_with("docker compose")) {
        for service in command.split([' ', ';']).filter(|word| word.starts_with("k6-")) {
            assert!(compose.contains(&format!("\n  {service}:\n")), "{command}");
            checked += 1;
        }
    }
    assert!(checked >= 2, "{checked}");
    for (folder, link) in [("docs", "](ci/"), ("docs", "](../"), ("docs", "](reference.md")] {
        for rest in read(PAGE).split(link).skip(1) {
            let path = [&link[2..], rest.split([')', '#']).next().unwrap()].concat();
            assert!(Path::new(ROOT).join(folder).join(&path).exists(), "{path}");
        }
    }
}

/// Ports and their settings are written down twice.
#[test]
fn settings_that_are_named_are_those_of_the_example() {
    let example = read(".env.test.example");
    let page = read(PAGE);
    for row in page.lines().filter(|line| line.contains("_PORT` |")) {
        let cells: Vec<&str> = row.split('|').map(|cell| cell.trim().trim_matches('`')).collect();
        let line = format!("{}={}", cells[2], cells[1]);
        assert!(example.lines().any(|setting| setting == line), "{line}");
    }
    assert_eq!(page.matches("_PORT` |").count(), 5);
    let output = super::loadgate(&["check", "config/compose.yml", "config/compose-judged.yml"]);
    assert!(output.status.success(), "{}", stderr(&output));
}

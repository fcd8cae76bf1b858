//! What the README and the reference claim is true: their plans load, their commands parse, their tables are the code's.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use loadgate::config::{self, LoadOptions};
use loadgate::metric::{Catalog, Unit};
use loadgate::plan;
use loadgate::rules::RuleFile;
use loadgate::rules::unit_test::TestFile;
use loadgate::target::FAULTS;
use loadgate::verdict::Verdict;
use serde_json::Value;

const COMMANDS: [&str; 19] = [
    "demo",
    "run",
    "check",
    "rules",
    "target",
    "schema",
    "doctor",
    "serve",
    "healthcheck",
    "runs list",
    "runs show",
    "runs follow",
    "runs stop",
    "runs pause",
    "runs resume",
    "runs scale",
    "runs rerun",
    "runs compare",
    "runs delete",
];
/// Programs that are not ours; their lines are not parsed.
const OTHERS: [&str; 7] =
    ["curl", "docker compose", "sqlite3", "promtool query", "cargo bench", "cargo install", "./test.sh"];
/// Flags that are not ours.
const OTHERS_FLAGS: [&str; 4] = ["--release", "--path", "--bench", "--enable-feature"];
const LATER: &str = "(not supported yet)";

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// Both pages, one after the other.
const PAGES: [&str; 2] = ["README.md", "docs/reference.md"];

fn pages() -> String {
    PAGES.map(read).join("\n")
}

/// The fenced blocks of both pages that begin with ```` ```info ````.
fn blocks(info: &str) -> Vec<String> {
    let pages = pages();
    let mut parts = pages.split("\n```");
    let mut found = Vec::new();
    parts.next();
    // Opening and closing fences take turns.
    while let (Some(block), Some(_prose)) = (parts.next(), parts.next()) {
        let (first, body) = block.split_once('\n').unwrap();
        if first == info {
            found.push(body.to_owned());
        }
    }
    assert!(!found.is_empty(), "no page has a block of {info}");
    found
}

/// What stands between `<!-- begin: name -->` and its end.
fn section(name: &str) -> String {
    let pages = pages();
    let (_, rest) = pages.split_once(&format!("<!-- begin: {name} -->\n")).unwrap();
    rest.split_once(&format!("<!-- end: {name} -->")).unwrap().0.to_owned()
}

/// The rows of the table in a section, without its head; cells without spaces around.
fn rows(name: &str) -> Vec<Vec<String>> {
    let section = section(name);
    let lines = section.lines().filter(|line| line.starts_with('|')).skip(2);
    let cells = |line: &str| {
        let inner = line.trim_start_matches('|').trim_end_matches('|').replace("\\|", "\u{0}");
        inner.split('|').map(|cell| cell.trim().replace('\u{0}', "|")).collect()
    };
    lines.map(cells).collect()
}

/// What stands in backticks.
fn quoted(text: &str) -> Vec<String> {
    text.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

fn quoted_set(text: &str) -> BTreeSet<String> {
    quoted(text).into_iter().collect()
}

fn help_of(command: &str) -> String {
    let arguments: Vec<&str> = command.split(' ').chain(["--help"]).collect();
    let output = loadgate(&arguments);
    assert!(output.status.success(), "loadgate {command} --help");
    String::from_utf8(output.stdout).unwrap()
}

fn loadgate(arguments: &[&str]) -> std::process::Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_loadgate"));
    // What is set where the tests run must not decide what they find.
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("LOADGATE_")) {
        command.env_remove(name);
    }
    command.args(arguments).output().unwrap()
}

/// Words as a shell would make them, for the plain quoting that the README uses.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quote = None;
    for character in line.chars() {
        match (quote, character) {
            (Some(open), character) if open == character => quote = None,
            (None, '"' | '\'') => quote = Some(character),
            (None, ' ') => words.push(String::new()),
            (None, '#') if words.last().is_some_and(String::is_empty) => break,
            (None, ';' | '&' | '|' | '>') => {
                words.push(character.to_string());
                words.push(String::new());
            }
            (_, character) => words.last_mut().unwrap().push(character),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

#[test]
fn plans_load() {
    for text in blocks("yaml plan") {
        let loaded = config::load("README.md", &text, &LoadOptions::default());
        let compiled = loaded.and_then(|loaded| plan::compile(&loaded, Path::new(".")).map(drop));
        compiled.unwrap_or_else(|problems| panic!("{problems}\n{text}"));
    }
}

#[test]
fn rule_files_and_their_tests_pass() {
    let [rules] = &blocks("yaml rules")[..] else { panic!("one block of rules") };
    let [tests] = &blocks("yaml rule tests")[..] else { panic!("one block of tests") };
    let checked = RuleFile::read("shop.yml", rules).unwrap_or_else(|problems| panic!("{problems}"));
    assert!(checked.warnings.list.is_empty(), "{}", checked.warnings.as_warnings());
    let tests = TestFile::read("tests.yml", tests).unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(tests.rule_files, ["shop.yml"]);
    let failures: String = tests.run(&[checked.file]).iter().map(ToString::to_string).collect();
    assert!(failures.is_empty(), "{failures}");
}

#[test]
fn commands_parse() {
    let mut checked = 0;
    for line in blocks("sh").iter().flat_map(|block| block.lines()) {
        let words = words(line);
        if words.is_empty() || OTHERS.iter().any(|other| words.join(" ").starts_with(other)) {
            continue;
        }
        // Up to what belongs to the shell.
        let shells = words.iter().position(|word| matches!(word.as_str(), ";" | "&" | "|" | ">"));
        let ours = &words[..shells.unwrap_or(words.len())];
        let arguments = match ours {
            [first, arguments @ ..] if first == "loadgate" => arguments,
            [cargo, run, release, dashes, arguments @ ..]
                if [cargo.as_str(), run, release, dashes] == ["cargo", "run", "--release", "--"] =>
            {
                arguments
            }
            _ => panic!("neither ours nor in OTHERS: {line}"),
        };
        // Help is shown once all that stands before it has been understood.
        let mut arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        arguments.push("--help");
        let output = loadgate(&arguments);
        assert!(output.status.success(), "{line}\n{}", String::from_utf8_lossy(&output.stderr));
        checked += 1;
    }
    assert!(checked > 5, "only {checked} commands were found");
}

#[test]
fn flags_and_variables_are_those_of_the_help() {
    let helps: Vec<(&str, String)> = COMMANDS.iter().map(|command| (*command, help_of(command))).collect();
    let known = |flag: &str| {
        let ends = |rest: &str| !rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '-');
        helps.iter().any(|(_, help)| help.split(flag).skip(1).any(ends))
    };
    // Fenced blocks are `commands_parse`'s.
    let prose: String = pages().split("\n```").step_by(2).collect();
    for code in quoted(&prose) {
        for flag in code.split_whitespace().filter(|word| word.starts_with("--") && word.len() > 2) {
            let flag = flag.split('=').next().unwrap();
            assert!(known(flag) || OTHERS_FLAGS.contains(&flag), "no command has `{flag}`");
        }
    }
    let mut documented = BTreeSet::new();
    for row in rows("environment") {
        let (variable, flag) = (row[0].trim_matches('`'), row[1].trim_matches('`'));
        for command in row[2].split(", ") {
            documented.insert(format!("{command} {flag} {variable}"));
        }
    }
    let mut real = BTreeSet::new();
    for (command, help) in &helps {
        for line in help.lines().filter(|line| line.contains("[env: ")) {
            let flag = line.split_whitespace().find(|word| word.starts_with("--")).unwrap();
            // `--http-debug[=<WHAT>]`
            let flag = flag.split('[').next().unwrap();
            let variable = line.split("[env: ").nth(1).unwrap().split('=').next().unwrap();
            real.insert(format!("{command} {flag} {variable}"));
        }
    }
    assert_eq!(documented, real);
}

#[test]
fn exit_codes_are_those_of_the_verdict() {
    let rows = rows("exit codes");
    let documented: BTreeSet<String> =
        rows.iter().filter(|row| !row[1].is_empty()).map(|row| format!("{} {}", row[0], row[1])).collect();
    let real = Verdict::ALL.iter().map(|verdict| format!("{} `{}`", verdict.exit_code(), verdict.label()));
    assert_eq!(documented, real.collect());

    let without_verdict = |code: i32| {
        assert!(rows.iter().any(|row| row[0] == code.to_string() && row[1].is_empty()), "{code}");
    };
    without_verdict(loadgate(&["check", "no such plan.yml"]).status.code().unwrap());
    without_verdict(loadgate(&["run"]).status.code().unwrap());
    without_verdict(loadgate(&["target", "--listen", "192.0.2.1:1"]).status.code().unwrap());
}

#[test]
fn doubts_are_those_of_the_verdict() {
    let (code, page) = (read("src/verdict.rs"), section("doubts"));
    for (line, claim) in [
        ("const MAX_LAG: Duration = Duration::from_millis(100);", "above 100 ms"),
        ("const MAX_BUSY_SECONDS: u32 = 3;", "for 3 s in a row"),
        ("const MAX_MISSED_SCRAPES: f64 = 0.1;", "more than 10% of a target's scrapes"),
    ] {
        assert!(code.contains(line), "src/verdict.rs no longer says `{line}`; the README says `{claim}`");
        assert!(page.contains(claim), "{claim}");
    }
    assert!(read("src/run/health.rs").contains("const BUSY: f64 = 0.9;") && page.contains("90% of its core"));
}

#[test]
fn metrics_are_those_of_the_catalog() {
    let unit = |unit| match unit {
        Unit::Plain => "",
        Unit::Time => "time",
        Unit::Bytes => "bytes",
    };
    let catalog = Catalog::default();
    let real: Vec<Vec<String>> = catalog
        .iter()
        .map(|(_, it)| {
            let name = format!("`{}`", it.name);
            vec![
                name,
                it.kind.name().to_owned(),
                unit(it.unit).to_owned(),
                it.help.trim_end_matches('.').to_owned(),
            ]
        })
        .collect();
    assert_eq!(rows("metrics"), real);
}

/// The constants are private numbers: they are read where they are written.
#[test]
fn error_codes_are_those_of_the_samples() {
    let code = read("src/sample.rs");
    let constants = code.lines().filter_map(|line| {
        let (name, number) =
            line.trim().strip_prefix("pub const ")?.split_once(": ErrorCode = ErrorCode(")?;
        Some((name, number.strip_suffix(");")?))
    });
    let meaning = |name: &str| {
        let described = code.split(&format!("Self::{name} => \"")).nth(1);
        described.map_or("error", |rest| rest.split('"').next().unwrap_or_default()).to_owned()
    };
    let real: BTreeSet<Vec<String>> =
        constants.map(|(name, number)| vec![number.to_owned(), meaning(name)]).collect();
    let (ranges, documented): (Vec<_>, Vec<_>) =
        rows("error codes").into_iter().partition(|row| row[0].contains(" to "));
    assert!(real.len() > 20, "{real:?}");
    assert_eq!(documented.into_iter().collect::<BTreeSet<_>>(), real);
    let ranges: Vec<&str> = ranges.iter().map(|row| row[0].as_str()).collect();
    assert_eq!(ranges, ["1400 to 1599", "1610 to 1624", "1630 to 1644", "1650 to 1664", "1861 to 1876"]);
    assert!(code.contains("(400..600).contains(&status).then_some(ErrorCode(1000 + status))"));
    assert!(code.contains("const GRPC_OK: u16 = 1860;") && code.contains("Self(number @ 1861..=1876)"));
    for base in [1610, 1630, 1650] {
        assert!(code.contains(&format!("Self(number @ {base}..={})", base + 14)), "{base}");
    }
}

#[test]
fn faults_are_those_of_the_target() {
    let real: Vec<Vec<String>> =
        FAULTS.iter().map(|fault| vec![format!("`{}`", fault.usage()), fault.about.to_owned()]).collect();
    assert_eq!(rows("faults"), real);
}

#[test]
fn functions_exist() {
    for row in rows("functions") {
        for call in quoted(&row[0]) {
            let name = call.split('(').next().unwrap();
            let problems = plan_with(&format!("{name}()")).unwrap_err();
            assert!(!problems.contains("unknown function"), "{problems}");
        }
    }
    assert!(plan_with("no_such_function()").unwrap_err().contains("unknown function"));
}

/// Loads a plan with the expression, and with an unknown name beside it so that there is always a problem.
fn plan_with(expression: &str) -> Result<(), String> {
    let text = format!(
        "name: t\nscenarios: {{s: {{executor: constant-vus, duration: 1s, flow: [{{set: {{a: '{expression}', b: unknown_name}}}}]}}}}"
    );
    let loaded =
        config::load("t.yml", &text, &LoadOptions::default()).map_err(|problems| problems.to_string())?;
    plan::compile(&loaded, Path::new(".")).map(drop).map_err(|problems| problems.to_string())
}

/// Keys of a part of the schema: name, and whether it is built.
fn keys(part: &Value) -> Vec<(String, bool)> {
    let properties = part["properties"].as_object().into_iter().flatten();
    let described = properties.map(|(key, value)| (key, value["description"].as_str().unwrap_or_default()));
    let ours = described.filter(|(_, description)| !description.starts_with("k6's spelling of"));
    ours.map(|(key, description)| (key.clone(), !description.contains(LATER))).collect()
}

#[test]
fn keys_steps_and_what_is_missing_are_those_of_the_schema() {
    let schema = config::schema();
    let table: Vec<(String, BTreeSet<String>)> =
        rows("keys").iter().map(|row| (row[0].trim_matches('`').to_owned(), quoted_set(&row[1]))).collect();
    let mut missing = BTreeSet::new();
    for (element, part) in schema["$defs"].as_object().unwrap() {
        if let Some(kinds) = part["oneOf"].as_array() {
            let kind = |kind: &Value| kind["properties"]["executor"]["const"].as_str().unwrap().to_owned();
            let built = |kind: &Value| {
                !kind["properties"]["executor"]["description"].as_str().unwrap().contains(LATER)
            };
            missing.extend(kinds.iter().filter(|it| !built(it)).map(kind));
            let later = kinds.iter().flat_map(keys).filter(|(_, built)| !built);
            missing.extend(
                later.filter(|(key, _)| key != "executor").map(|(key, _)| format!("{element}.{key}")),
            );
            let common = |key: &String| kinds.iter().all(|kind| kind["properties"].get(key).is_some());
            let shared = keys(&kinds[0]).into_iter().filter(|(key, built)| *built && common(key));
            check_row(&table, element, shared.map(|(key, _)| key).collect());
            continue;
        }
        let (built, later): (Vec<_>, Vec<_>) = keys(part).into_iter().partition(|(_, built)| *built);
        let built: BTreeSet<String> = built.into_iter().map(|(key, _)| key).collect();
        let own = |key: String| match element.as_str() {
            "plan" | "step" => key,
            _ => format!("{element}.{key}"),
        };
        missing.extend(later.into_iter().map(|(key, _)| own(key)));
        match element.as_str() {
            "step" => {
                let steps: BTreeSet<String> = rows("steps").iter().flat_map(|row| quoted(&row[0])).collect();
                assert_eq!(steps, built, "the README's steps");
            }
            // No element of a plan of its own.
            "stage_of_vus" | "stage_of_rates" | "filled" => {}
            _ => check_row(&table, element, built),
        }
    }
    assert_eq!(quoted_set(&section("not supported")), missing);
}

fn check_row(table: &[(String, BTreeSet<String>)], element: &str, keys: BTreeSet<String>) {
    let row = table.iter().find(|(name, _)| name == element);
    assert_eq!(row.map(|(_, keys)| keys), Some(&keys), "the README's keys of `{element}`");
}

#[test]
fn the_pictures_thresholds_are_the_demos() {
    let plan = read("config/plans/chat-streaming.yml");
    let vars = [("${HZ_AVERAGE_THRESHOLD}", "95"), ("${ERROR_RATE_THRESHOLD}", "0.01")];
    let plan = vars.iter().fold(plan, |plan, (name, value)| plan.replace(name, value));
    let picture = read("docs/demo.svg").replace("&#x27;", "'").replace("&lt;", "<").replace("&gt;", ">");
    let text = blocks("text").concat();
    for shown in [&picture, &text] {
        let thresholds: Vec<&str> =
            shown.split('\'').skip(1).step_by(2).filter(|quoted| quoted.contains(['<', '>'])).collect();
        assert!(thresholds.len() > 2, "{thresholds:?}");
        for threshold in thresholds {
            assert!(plan.contains(threshold), "the demo's plan has no `{threshold}`: draw the picture anew");
        }
    }
    let all = plan.split("\nthresholds:").nth(1).unwrap().matches(['<', '>']).count();
    let drawn = picture.matches("✓").count();
    assert!(drawn >= all, "the picture shows {drawn} of {all} thresholds: draw it anew");
}

#[test]
fn links_lead_somewhere() {
    for page in PAGES {
        let text = read(page);
        let folder = Path::new(page).parent().unwrap();
        let targets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        for target in targets.filter(|target| !target.starts_with("https://")) {
            let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
            let there = if file.is_empty() { page.into() } else { folder.join(file) };
            assert!(Path::new(env!("CARGO_MANIFEST_DIR")).join(&there).exists(), "{page}: {target}");
            let heading = |line: &str| line.trim_start_matches('#').trim().to_lowercase().replace(' ', "-");
            let has =
                |text: String| text.lines().any(|line| line.starts_with('#') && heading(line) == anchor);
            let anchored = anchor.is_empty() || has(read(&there.to_string_lossy()));
            assert!(anchored, "{page}: no heading for #{anchor}");
        }
    }
}

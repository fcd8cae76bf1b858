//! What docker-compose.yml says agrees with the configurations, plans and settings that it names.

use std::collections::BTreeSet;

use super::{assert_parses, loadgate, read, stderr};

/// The names in `${NAME…}` and in `NAME:` without a value.
fn variables(compose: &str) -> BTreeSet<String> {
    let filled = compose.split("${").skip(1).map(|rest| rest.split([':', '}']).next().unwrap());
    let passed = compose
        .lines()
        .filter_map(|line| line.strip_prefix("    ")?.strip_suffix(':'))
        .filter(|name| name.chars().all(|c| c.is_ascii_uppercase() || c == '_'));
    filled.chain(passed).map(str::to_owned).collect()
}

/// Names that stand before `=` in a file of settings, also in what is commented out.
fn settings(text: &str) -> BTreeSet<String> {
    let names = text.lines().filter_map(|line| line.trim_start_matches("# ").split_once('='));
    let is_name = |name: &str| name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
    names.map(|(name, _)| name).filter(|name| is_name(name)).map(str::to_owned).collect()
}

/// Who builds images needs these, who runs tests does not.
const OF_THE_IMAGE: [&str; 2] = ["LOADGATE_IMAGE", "LOADGATE_BINARY"];

#[test]
fn settings_are_those_that_somebody_reads() {
    let compose = variables(&read("docker-compose.yml"));
    assert!(compose.contains("HZ_AVERAGE_THRESHOLD") && compose.contains("GRAFANA_PORT"), "{compose:?}");
    let script = read("scripts/run-slo-testing.sh");
    let example = settings(&read(".env.test.example"));
    for name in &example {
        let read = compose.contains(name) || script.contains(&format!("setting {name} "));
        assert!(read || script.contains(&format!(" {name} ")), "nobody reads {name} of .env.test.example");
    }
    for name in compose.iter().filter(|name| !OF_THE_IMAGE.contains(&name.as_str())) {
        assert!(example.contains(name), ".env.test.example does not have {name}");
    }
}

/// The defaults in the example are those of compose and script: to copy it changes nothing.
#[test]
fn the_example_holds_the_defaults() {
    let all =
        [read("docker-compose.yml"), read("scripts/run-slo-testing.sh"), read("scripts/compose.sh")].concat();
    for line in read(".env.test.example").lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        let (name, value) = line.split_once('=').unwrap();
        let of_a_plan = ["ERROR_RATE_THRESHOLD", "HZ_AVERAGE_THRESHOLD"].contains(&name)
            && read("config/plans/chat-streaming.yml").contains(&format!("  {name}: {value}\n"));
        let default = [format!("${{{name}:-{value}}}"), format!("setting {name} {value})")];
        assert!(of_a_plan || default.iter().any(|default| all.contains(default)), "{line}");
    }
}

#[test]
fn each_service_calls_what_there_is() {
    let compose = read("docker-compose.yml");
    let commands: Vec<&str> = compose
        .lines()
        .filter_map(|line| line.trim().strip_prefix("command: [")?.strip_suffix(']'))
        .collect();
    assert_eq!(commands.len(), 5, "{commands:?}");
    for command in commands {
        let words: Vec<&str> = command.split(',').map(|word| word.trim().trim_matches('"')).collect();
        assert_parses(&words);
        if let ["run", plan, ..] = words[..] {
            let checked = loadgate(&["check", plan]);
            assert!(checked.status.success(), "{plan}: {}", stderr(&checked));
        }
    }
}

/// What is passed on to a run is declared by one of the plans; any other would be ignored silently.
#[test]
fn variables_that_are_passed_on_are_declared_by_a_plan() {
    let compose = read("docker-compose.yml");
    let plans = ["chat-streaming", "health", "chat-comprehensive"]
        .map(|plan| read(&format!("config/plans/{plan}.yml")))
        .concat();
    let (_, run) = compose.split_once("x-run:").unwrap();
    let (run, _) = run.split_once("\nservices:").unwrap();
    let (_, environment) = run.split_once("  environment:\n").unwrap();
    let names: Vec<&str> = environment
        .lines()
        .map_while(|line| line.strip_prefix("    ")?.split(':').next())
        .filter(|name| !name.starts_with("LOADGATE_"))
        .collect();
    assert!(names.len() > 5, "{names:?}");
    for name in names {
        assert!(plans.contains(&format!("\n  {name}: ")), "no plan of docker-compose.yml declares {name}");
    }
}

#[test]
fn the_configuration_with_a_judge_is_the_other_one_with_a_judge() {
    let lines = |path: &str| -> BTreeSet<String> {
        let text = read(path);
        let said = text.lines().map(|line| line.split(" #").next().unwrap().trim().to_owned());
        said.filter(|line| !line.is_empty() && !line.starts_with('#')).collect()
    };
    let (plain, judged) = (lines("config/compose.yml"), lines("config/compose-judged.yml"));
    assert!(plain.is_subset(&judged), "{plain:?}");
    let more: Vec<&String> = judged.difference(&plain).collect();
    assert_eq!(more, ["prometheus: {url: \"http://prometheus:9090\", judge: true}"]);
}

/// Whoever reaches a port can start load or read what ran: this machine alone, unless somebody decides otherwise.
#[test]
fn ports_are_published_on_loopback_alone() {
    let compose = read("docker-compose.yml");
    let ports: Vec<&str> = compose.lines().map(str::trim).filter(|line| line.starts_with("ports:")).collect();
    assert_eq!(ports.len(), 5, "{ports:?}");
    for port in ports {
        assert!(port.starts_with("ports: [\"127.0.0.1:${") && port.matches(',').count() == 0, "{port}");
    }
}

#[test]
fn images_are_pinned() {
    let compose = read("docker-compose.yml");
    let images: Vec<&str> = compose.lines().filter_map(|line| line.trim().strip_prefix("image: ")).collect();
    assert_eq!(images.len(), 4, "{images:?}");
    for image in images.iter().filter(|image| !image.starts_with("${LOADGATE_IMAGE")) {
        let (_, tag) = image.rsplit_once(':').unwrap();
        assert!(
            tag.trim_start_matches('v').split('.').filter(|part| part.parse::<u32>().is_ok()).count() == 3,
            "{image}"
        );
    }
}

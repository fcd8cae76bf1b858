//! How a dashboard asks a daemon: few questions at once, none that nobody looks at, none twice.

use super::units::modules;
use crate::stage::Browser;

const CASES: &str = include_str!("asking.js");
const VARIABLES: &str = include_str!("variables.js");

#[test]
fn a_dashboard_asks_for_little_at_once_and_for_nothing_unseen() {
    check(CASES);
}

#[test]
fn variables_are_asked_for_together_and_again_only_where_they_must_be() {
    check(VARIABLES);
}

fn check(cases: &str) {
    let Some(mut browser) = Browser::start() else { return };
    let server = modules("<main></main>", &[]);
    browser.open(&server.url());
    let failures: Vec<String> = serde_json::from_value(browser.evaluate(cases)).unwrap();
    assert!(failures.is_empty(), "\n{}\n", failures.join("\n"));
}

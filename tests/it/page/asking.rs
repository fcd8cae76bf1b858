//! How a dashboard asks a daemon: few questions at once, none that nobody looks at, none twice.

use super::units::modules;
use crate::stage::Browser;

const CASES: &str = include_str!("asking.js");

#[test]
fn a_dashboard_asks_for_little_at_once_and_for_nothing_unseen() {
    let Some(mut browser) = Browser::start() else { return };
    let server = modules("<main></main>", &[]);
    browser.open(&server.url());
    let failures: Vec<String> = serde_json::from_value(browser.evaluate(CASES)).unwrap();
    assert!(failures.is_empty(), "\n{}\n", failures.join("\n"));
}

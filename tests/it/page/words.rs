//! What the page says of runs, and that its lists are updated in place: the modules by themselves, in the browser.

use crate::stage::Browser;

const CASES: &str = include_str!("words.js");

#[test]
fn what_the_page_says_of_runs_is_right_and_stays_under_the_hand() {
    let Some(mut browser) = Browser::start() else { return };
    let server = super::units::modules("", &[]);
    browser.open(&server.url());
    let failures = browser.evaluate(&format!("{CASES}()"));
    let failures: Vec<String> = serde_json::from_value(failures).unwrap();
    assert!(failures.is_empty(), "\n{}\n", failures.join("\n"));
}

//! The report of a run, opened from the disk as whoever was sent it would.

use std::path::Path;

use serde_json::{Value, json};

use super::audit::audit;
use super::scene::{Scene, chat};
use crate::stage::{Browser, demo_target, loadgate};

/// Opens a file of a report and looks at its parts.
fn check(browser: &mut Browser, file: &Path, test: &str, verdict: &str) {
    browser.open(&format!("file://{}", file.display()));
    let shown = format!("document.querySelector('.run[data-verdict={verdict}] .verdict')");
    browser.wait(&shown, "the verdict");
    assert_eq!(browser.text("h1"), test);
    assert!(browser.text(".verdict").contains(&verdict.replace('_', " ")));
    browser.wait("document.querySelectorAll('[role=tab]').length >= 3", "a tab for each dashboard");
    browser.wait("document.querySelector('.dashboard canvas')", "a chart");
    let tabs = "[...document.querySelectorAll('[role=tab]')].map(tab => tab.id)";
    let tabs: Vec<String> = serde_json::from_value(browser.evaluate(tabs)).unwrap();
    assert!(!tabs.contains(&"tab-loadgate-runs".to_owned()), "that is one of many runs: {tabs:?}");
    for tab in tabs {
        browser.evaluate(&format!("document.getElementById('{tab}').click()"));
        browser.wait(&format!("document.querySelector('#{tab}[aria-selected=true]')"), &tab);
        browser.wait("document.querySelector('.dashboard section')", "its panels");
    }
    assert_eq!(browser.evaluate("document.querySelectorAll('.picker').length"), 0, "there is nothing to ask");
    for url in browser.requested() {
        assert!(url.starts_with("file://") || url.starts_with("data:"), "{url}");
    }
}

#[test]
fn a_daemons_report_opens_from_the_disk_and_asks_nobody() {
    let Some(mut scene) = Scene::set("", |target| chat(target, "3s")) else { return };
    let hostile = json!({"plan": "chat", "tags": {"note": "</script><img src=x onerror=alert(1)>"}});
    let submitted = scene.daemon.ask("POST", "/api/v1/runs", "", &hostile);
    let run = crate::stage::id(&submitted.json());
    let ended = scene.daemon.wait(&run, "finished");
    let report = scene.daemon.ask("GET", &format!("/api/v1/runs/{run}/report"), "", &Value::Null);
    let file = scene.daemon.path("report.html");
    std::fs::write(&file, report.text()).unwrap();
    check(&mut scene.browser, &file, "chat", ended["verdict"].as_str().unwrap());
    assert_eq!(scene.browser.evaluate("document.querySelectorAll('main img').length"), 0);
    assert!(scene.browser.text(".meta").contains("note=</script><img"), "it is text");
    assert!(scene.browser.text(".log-section").contains("Log"));
    audit(&mut scene.browser, "the report");
    scene.browser.phone();
    audit(&mut scene.browser, "the report on a phone");
    scene.browser.scheme("dark");
    audit(&mut scene.browser, "the report in the dark");
}

#[test]
fn the_report_of_a_run_in_the_foreground_has_a_point_for_each_second() {
    let Some(mut browser) = Browser::start() else { return };
    let target = demo_target(&[]);
    let folder = tempfile::tempdir().unwrap();
    let (plan, file) = (folder.path().join("plan.yml"), folder.path().join("report.html"));
    std::fs::write(&plan, chat(target.address, "3s")).unwrap();
    let ran = loadgate().arg("run").arg(&plan).arg("--report").arg(&file).output().unwrap();
    let said = String::from_utf8(ran.stderr).unwrap();
    assert!(said.contains(&format!("report: {}", file.display())), "{said}");
    let verdict = if ran.status.success() { "passed" } else { "inconclusive" };
    check(&mut browser, &file, "chat", verdict);
    let data = "JSON.parse(document.getElementById('report').textContent)";
    assert_eq!(browser.evaluate(&format!("{data}.range.step")), 1);
    let points = browser.evaluate(&format!(
        "Math.max(...Object.values({data}.frames).flatMap(frame => frame.series ?? []).map(one => one.values.length))"
    ));
    assert!(points.as_u64().unwrap() >= 3, "{points}");
    assert!(
        browser.text("body").contains("user 1 has said enough")
            || browser.text(".log-section").contains("lines")
    );
}

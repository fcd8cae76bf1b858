//! What fired in a run that is over: in its record, on its page with what to do about it, in its report; and nowhere else.

use serde_json::{Value, json};

use super::audit::audit;
use super::scene::{Scene, chat};

/// One of the run, and one of its target, which does not know of runs.
const RULES: &str = "
groups:
  - name: story
    interval: 1s
    rules:
      - alert: RunGoesOn
        expr: loadgate_run_elapsed_seconds > 0
        labels: {severity: critical}
        annotations: {summary: it goes on, runbook_url: alerting/runbooks/BackendHzLow.md}
      - alert: TargetTicks
        expr: backend_loop_hz > 0
        labels: {severity: warning}
        annotations: {summary: it ticks}
";

#[test]
fn what_fired_in_a_run_is_in_its_record_and_on_its_page_and_fires_no_longer() {
    let plan = |target| chat(target, "3s") + "rules: [../rules.yml]\n";
    let Some(mut scene) = Scene::set("", plan) else { return };
    std::fs::write(scene.daemon.path("rules.yml"), RULES).unwrap();
    let run = scene.daemon.submit("chat");
    let ended = scene.daemon.wait(&run, "finished");
    assert_eq!(ended["exit_code"], 99, "{ended}");

    // Its record has both at its end, and nothing fires where the next run looks.
    let firing = |prefix: &str, time: &str| {
        let query = "query?query=ALERTS%7Balertstate%3D%22firing%22%7D";
        let answer = scene.daemon.get(&format!("{prefix}/api/v1/{query}{time}"));
        let alerts = answer["data"]["result"].as_array().unwrap_or_else(|| panic!("{answer}"));
        let mut names: Vec<String> =
            alerts.iter().map(|one| one["metric"]["alertname"].to_string()).collect();
        names.sort();
        names
    };
    let time = format!("&time={}", ended["ended_at"].as_str().unwrap());
    assert_eq!(firing(&format!("/api/v1/runs/{run}"), &time), ["\"RunGoesOn\"", "\"TargetTicks\""]);
    assert_eq!(firing("", ""), [""; 0], "the run is over");
    let target = scene.daemon.get("/api/v1/query?query=backend_loop_hz");
    assert_eq!(target["data"]["result"], json!([]), "nobody looks at it any more");

    // Its page.
    scene.open(&format!("/runs/{run}?dashboard=loadgate-slo"));
    let panel = |title: &str| {
        format!(
            "[...document.querySelectorAll('[data-panel][data-state=drawn]')]
                .find(panel => panel.querySelector('.panel-title').textContent === '{title}')"
        )
    };
    let look = "document.querySelector('.dashboard-grid')?.scrollIntoView()";
    let count = panel("Alerts firing");
    scene
        .browser
        .wait(&format!("{look}, {count}?.querySelector('.stat-value')?.textContent === '2'"), "two alerts");
    scene.browser.size(1400, 2400);
    let table = panel("Alerts that fire");
    scene.browser.wait(
        &format!("['RunGoesOn', 'TargetTicks'].every(name => {table}?.innerText.includes(name))"),
        "their names in the table",
    );

    assert_eq!(
        scene
            .browser
            .evaluate(&format!("{table}.querySelectorAll('a[href=\"#/runbooks/RunGoesOn\"]').length")),
        1,
        "the table names runbooks by their alerts"
    );

    // What to do about one, and from there to another.
    scene
        .browser
        .wait("document.querySelector('table.gates a[href=\"#/runbooks/BackendHzLow\"]')", "the link");
    scene.browser.evaluate("document.querySelector('table.gates a[href^=\"#/runbooks/\"]').click()");
    scene.browser.wait(
        "document.querySelector('main[data-view=runbook] h1')?.textContent === 'BackendHzLow'",
        "the runbook",
    );
    assert!(scene.browser.text(".runbook pre").contains("rate(backend_loop_ticks_total[30s])"));
    audit(&mut scene.browser, "a runbook");
    scene
        .browser
        .evaluate("document.querySelector('.runbook a[href=\"#/runbooks/BackendLoopStalled\"]').click()");
    scene
        .browser
        .wait("document.querySelector('.runbook h1')?.textContent === 'BackendLoopStalled'", "the next");
    scene.open("/runbooks/Nobody");
    scene.browser.wait_for_text("none of those that came with this daemon");
    scene.browser.forgive(|complaint| complaint.contains("404"));

    // Its report, which has the runbook inside.
    let report = scene.daemon.ask("GET", &format!("/api/v1/runs/{run}/report"), "", &Value::Null);
    let file = scene.daemon.path("report.html");
    std::fs::write(&file, report.text()).unwrap();
    scene.browser.open(&format!("file://{}", file.display()));
    scene.browser.wait("document.querySelector('details.runbook')", "the runbook in the report");
    scene.browser.evaluate("document.querySelector('details.runbook').open = true");
    assert!(scene.browser.text("details.runbook").contains("What users feel"));
    audit(&mut scene.browser, "a report with a runbook");
}

//! The views beside a run's own: lists that are narrowed, alerts, dashboards of what is live, and the form of a plan.

use crate::page::audit::audit;
use crate::page::scene::{Scene, chat};

/// Fires at once, names its run, and its runbook is no web page.
const RULES: &str = "
groups:
  - name: always
    interval: 1s
    rules:
      - alert: <b>Always</b>
        expr: k6_vus > 0
        labels: {severity: critical}
        annotations: {summary: 'there are users', runbook_url: 'https://example.com/always'}
";

#[test]
fn runs_are_narrowed_by_state_and_test_and_the_address_says_so() {
    let Some(mut scene) = Scene::set("", |target| chat(target, "1s")) else { return };
    let run = scene.daemon.submit("chat");
    scene.daemon.wait(&run, "finished");
    scene.open("/");
    scene.browser.wait("document.querySelector('tbody tr[data-run-state=finished]')", "the run in the list");
    scene.browser.evaluate(
        "(() => { const state = document.querySelector('#filter-state'); state.value = 'interrupted'; \
         state.dispatchEvent(new Event('change')); return true; })()",
    );
    scene.browser.wait_for_text("No run is like this.");
    assert_eq!(scene.browser.evaluate("location.hash"), "#/?state=interrupted");
    scene.open("/?test=chat&state=finished");
    scene.browser.wait("document.querySelector('tbody tr[data-run-state=finished]')", "the run by its test");
    scene.open("/?test=other");
    scene.browser.wait_for_text("No run is like this.");
    audit(&mut scene.browser, "the list of runs");
}

#[test]
fn alerts_are_shown_with_their_runs_and_rules_while_they_are_active() {
    let plan = |target| chat(target, "1h") + "rules: [../rules.yml]\n";
    let Some(mut scene) = Scene::set("", plan) else { return };
    std::fs::write(scene.daemon.path("rules.yml"), RULES).unwrap();
    let run = scene.daemon.submit("chat");
    scene.daemon.wait(&run, "running");
    scene.open("/alerts");
    scene.browser.wait_for_text("there are users");
    let link = scene
        .browser
        .evaluate("document.querySelector('table.alerts a[href^=\"#/runs/\"]')?.textContent ?? ''");
    assert_eq!(link, run.as_str());
    let runbook = scene
        .browser
        .evaluate("document.querySelector('table.alerts a[target=_blank]').getAttribute('href')");
    assert_eq!(runbook, "https://example.com/always");
    assert_eq!(scene.browser.evaluate("document.querySelectorAll('main b').length"), 0);
    scene.browser.wait("document.title.startsWith('✗ 1 firing')", "the title to say so");
    audit(&mut scene.browser, "alerts");
    scene.daemon.post(&format!("/api/v1/runs/{run}/stop"));
    scene.daemon.wait(&run, "finished");
}

#[test]
fn what_is_picked_on_a_dashboard_stands_in_the_address() {
    let Some(mut scene) = Scene::set("", |target| chat(target, "60s")) else { return };
    let run = scene.daemon.submit("chat");
    scene.daemon.wait(&run, "running");
    scene.open(&format!("/dashboards/loadgate-load?var-testid={run}"));
    scene.browser.wait(
        "document.querySelector('[role=tab][aria-selected=true]')?.dataset.uid === 'loadgate-load'",
        "the dashboard of the address",
    );
    scene.browser.wait("document.querySelector('[data-panel][data-state=drawn]')", "a panel with data");
    scene.browser.wait(
        &format!("document.querySelector('.dashboard-pickers').innerText.includes('{run}')"),
        "the run that is picked",
    );
    // By keys from tab to tab.
    scene.browser.evaluate("document.querySelector('[role=tab][aria-selected=true]').focus() ?? true");
    scene.browser.press("ArrowRight");
    scene.browser.wait("location.hash.startsWith('#/dashboards/loadgate-websocket')", "the next dashboard");
    assert_eq!(scene.browser.evaluate("document.activeElement.getAttribute('aria-selected')"), "true");
    scene.daemon.post(&format!("/api/v1/runs/{run}/stop"));
    scene.daemon.wait(&run, "finished");
}

#[test]
fn a_plan_s_variables_are_offered_with_their_values() {
    let plan = |target| {
        chat(target, "1s").replace(
            "vars: {RATE: 10}",
            "vars: {RATE: 10, NEEDED: null, API_TOKEN: hidden-value}\nprofiles: {slow: {vars: {RATE: 1}}, plain: {}}\ndefault_profile: plain",
        )
    };
    let Some(mut scene) = Scene::set("", plan) else { return };
    scene.open("/start?plan=chat");
    scene.browser.wait("document.querySelector('#var-RATE')?.placeholder === '10'", "the plan's own value");
    scene.browser.evaluate(
        "(() => { const profile = document.querySelector('#profile'); profile.value = 'slow'; \
         profile.dispatchEvent(new Event('change')); return true; })()",
    );
    scene.browser.wait("document.querySelector('#var-RATE').placeholder === '1'", "the profile's value");
    let needed = scene.browser.evaluate("document.querySelector('#var-NEEDED').required");
    assert_eq!(needed, true);
    assert_eq!(scene.browser.evaluate("document.querySelector('#var-API_TOKEN').type"), "password");
    let everything = scene.browser.evaluate("document.documentElement.outerHTML");
    assert!(!everything.as_str().unwrap().contains("hidden-value"));
    audit(&mut scene.browser, "the form of a run");
}

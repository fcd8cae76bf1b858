//! Runs that are started and steered from the page, by keys alone.

use serde_json::json;

use super::audit::audit;
use super::scene::{Scene, chat};

#[test]
fn a_run_is_started_paused_resumed_and_stopped_by_keys_alone() {
    let Some(mut scene) = Scene::set("", |target| chat(target, "1h")) else { return };
    scene.open("/");
    scene.browser.wait_for_text("No runs yet");
    scene.browser.enter_on("Start a run");
    scene.browser.tab_to("#var-RATE");
    scene.browser.type_text("15");
    scene.browser.tab_to("#tags");
    scene.browser.type_text("suite=keys");
    audit(&mut scene.browser, "the form of a run");
    scene.browser.enter_on("Start the run");
    let run = scene.run();
    scene.see("running");
    assert_eq!(scene.daemon.run(&run)["tags"], json!({"suite": "keys"}));
    scene.browser.enter_on("Pause");
    scene.see("paused");
    assert_eq!(scene.daemon.run(&run)["state"], "paused");
    scene.browser.enter_on("Resume");
    scene.see("running");
    scene.browser.enter_on("Stop");
    // What ends a run is asked for twice, and what is harmless has the focus.
    scene.browser.wait("document.activeElement.matches('dialog button')", "the focus in the dialog");
    assert_eq!(scene.browser.evaluate("document.activeElement.textContent"), "Cancel");
    audit(&mut scene.browser, "the question before a stop");
    scene.browser.press("Escape");
    scene.browser.wait("!document.querySelector('dialog')", "the dialog to go");
    assert_eq!(scene.daemon.run(&run)["state"], "running", "it was not meant");
    scene.browser.enter_on("Stop");
    scene.browser.enter_on("Stop the run");
    scene.see_end(&run);
    assert_eq!(scene.daemon.run(&run)["exit_code"], 105);
    scene.browser.wait_for_text("exit code 105");
    let title = scene.browser.evaluate("document.title");
    assert!(title.as_str().unwrap().contains("stopped · chat"), "{title}");
}

#[test]
fn what_a_plan_lacks_is_said_where_it_is_started() {
    let Some(mut scene) = Scene::set("limits: {max_vus: 1}\n", |target| chat(target, "1s")) else { return };
    scene.open("/start");
    scene.browser.enter_on("Start the run");
    scene.browser.wait_for_text("limits.max_vus");
    let refused = scene.browser.forgive(|complaint| complaint.contains("403"));
    assert!(refused > 0, "the daemon refuses");
    assert_eq!(scene.daemon.runs().len(), 0);
}

#[test]
fn a_plan_of_ones_own_is_chosen_as_a_file_mended_where_it_is_wrong_and_started() {
    let Some(mut scene) = Scene::set("", |target| chat(target, "1h")) else { return };
    let plan = chat(scene.target.address, "1h")
        .replace("name: chat", "name: mine")
        .replace("RATE: 10", "RATE: null")
        + "rules: [mine-rules.yml]\n";
    let rules = "groups: [{name: g, rules: [{alert: A, expr: vector(0) > 1}]}]";
    scene.open("/start");
    scene.browser.wait("document.querySelector('form.start:not([hidden])')", "the form");
    scene.browser.evaluate(
        "(() => { const plan = document.querySelector('#plan'); plan.value = ''; plan.dispatchEvent(new Event('change')); return true; })()",
    );
    scene.browser.evaluate(&format!(
        "(() => {{ const files = new DataTransfer(), input = document.querySelector('#own-files');
            files.items.add(new File([{}], 'mine-rules.yml'));
            files.items.add(new File([{}], 'mine.yml'));
            input.files = files.files; input.dispatchEvent(new Event('change')); return true; }})()",
        json!(rules),
        json!(plan.replace("    vus: 2\n", "    vsu: 2\n")),
    ));
    scene.browser.wait("document.querySelector('#own-text').value.includes('name: mine')", "the plan's text");
    audit(&mut scene.browser, "the form of a plan of one's own");
    scene.browser.click_on("Start the run");
    // With its place, and what was meant.
    scene.browser.wait_for_text("mine.yml:9:");
    scene.browser.wait_for_text("vsu");
    scene.browser.forgive(|complaint| complaint.contains("422"));
    scene.browser.evaluate(
        "(() => { const text = document.querySelector('#own-text'); text.value = text.value.replace('vsu:', 'vus:'); \
         document.querySelector('#own-variables').value = 'RATE=7'; return true; })()",
    );
    scene.browser.click_on("Start the run");
    let run = scene.run();
    scene.see("running");
    assert_eq!(scene.daemon.run(&run)["test"], "mine");
    scene.daemon.post(&format!("/api/v1/runs/{run}/stop"));
    scene.daemon.wait(&run, "finished");
}

#[test]
fn two_runs_are_chosen_from_the_list_and_compared() {
    let Some(mut scene) = Scene::set("", |target| chat(target, "2s")) else { return };
    let [first, second] = [0, 1].map(|_| scene.daemon.submit("chat"));
    for run in [&first, &second] {
        scene.daemon.wait(run, "finished");
    }
    scene.open("/");
    for run in [&first, &second] {
        scene.browser.tab_to(&format!("input[aria-label$='{run}']"));
        scene.browser.press(" ");
    }
    audit(&mut scene.browser, "the list of runs");
    scene.browser.enter_on("Compare");
    scene.browser.wait("document.querySelector('main[data-view=compare] tbody tr')", "the comparison");
    let hash = scene.browser.evaluate("location.hash");
    assert_eq!(hash, format!("#/compare?a={first}&b={second}"), "the older is what is compared with");
    audit(&mut scene.browser, "the comparison");
}

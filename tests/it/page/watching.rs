//! A run that is watched from its page, to its end.

use serde_json::Value;

use super::audit::audit;
use super::scene::{Scene, chat};

/// Of panels that are in view, by what they show.
const PANELS: &str =
    "[...document.querySelectorAll('[data-panel]')].map(panel => [panel.dataset.state, panel.innerText])";

/// Whether a chart has ink on it.
const INK: &str = "[...document.querySelectorAll('[data-panel][data-type=timeseries] canvas')].filter(canvas => canvas.width > 0
    && canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.some(value => value !== 0)).length";

#[test]
fn a_run_is_watched_until_its_verdict() {
    let Some(mut scene) = Scene::set("", |target| chat(target, "12s")) else { return };
    let run = scene.daemon.submit("chat");
    scene.open(&format!("/runs/{run}"));
    scene.see("running");
    // What is out of view is not asked for.
    let drawn = "document.querySelector('[data-panel]')?.scrollIntoView(),
        document.querySelectorAll('[data-panel][data-state=drawn]').length >= 4";
    scene.browser.wait(drawn, "four panels with data, during the run");
    audit(&mut scene.browser, "a run under way");
    scene.browser.wait_for_text("has said enough");
    scene.see_end(&run);
    let ended = scene.daemon.run(&run);
    scene.browser.wait_for_text(&format!("exit code {}", ended["exit_code"]));
    scene.browser.wait(
        "(rows => rows.length === 3 && rows.every(row => row.innerText.includes('held')))(
            [...document.querySelectorAll('table.gates tbody tr')])",
        "all three gates to have held",
    );
    let title = scene.browser.evaluate("document.title");
    assert!(
        title.as_str().unwrap().contains(&format!("{} · chat", ended["verdict"].as_str().unwrap())),
        "{title}"
    );
    // What was live comes from the record now, in each of the tabs.
    let tabs =
        scene.browser.evaluate("[...document.querySelectorAll('[role=tab]')].map(tab => tab.dataset.uid)");
    let empty = drawn.replace("=drawn", "=empty");
    for uid in tabs.as_array().unwrap() {
        scene.browser.click(&format!("[role=tab][data-uid={}]", uid.as_str().unwrap()));
        // Of events this run has none, which each panel says.
        let shown = if uid == "loadgate-events" { &empty } else { drawn };
        scene.browser.wait(shown, &format!("{uid} from the record"));
        let panels = scene.browser.evaluate(PANELS);
        let failed: Vec<&Value> =
            panels.as_array().unwrap().iter().filter(|panel| panel[0] == "error").collect();
        assert!(failed.is_empty(), "{uid}: {failed:?}");
        audit(&mut scene.browser, &format!("{uid} of a run that is over"));
    }
    scene.browser.click("[role=tab][data-uid=loadgate-load]");
    scene.browser.wait(&format!("{INK} > 0"), "a chart that is drawn");
}

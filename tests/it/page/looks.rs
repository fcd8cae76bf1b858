//! What a user sees on a phone, in the dark, and when names and lines mean harm.

use std::net::SocketAddr;

use serde_json::json;

use super::audit::audit;
use super::scene::{Scene, chat};
use crate::stage::Browser;

const MARKUP: &str = "<img src=x onerror=\"globalThis.ran=1\"><script>globalThis.ran=1</script>";

/// The chat plan, with markup wherever a plan or a target can put words.
fn hostile(target: SocketAddr) -> String {
    let line = MARKUP.replace('"', "\\\"");
    chat(target, "4s")
        .replace("user {{ vu }} has said enough", &line)
        .replace(
            "checks: {healthy: status == 200}",
            &format!("name: '{MARKUP}', checks: {{'{MARKUP}': status == 200}}"),
        )
        .replace("Two users chat", &format!("\"{line}\" #"))
        + &format!("tags: {{suite: '{MARKUP}', {}: long}}\n", "x".repeat(100))
}

#[test]
fn markup_in_names_tags_and_log_lines_is_shown_as_text() {
    let Some(mut scene) = Scene::set("", hostile) else { return };
    scene.open("/start");
    scene.browser.click_on("Start the run");
    let run = scene.run();
    scene.see_end(&run);
    scene.browser.wait_for_text("<img src=x");
    for route in ["/", "/start", "/alerts"] {
        scene.open(route);
        scene.browser.wait("document.querySelector('main h1')", route);
    }
    for uid in ["slo", "load", "websocket", "target", "runs"] {
        scene.open(&format!("/dashboards/loadgate-{uid}"));
        let settled = "document.querySelector('[data-panel]')
            && [...document.querySelectorAll('[data-panel]')].every(panel => panel.dataset.state !== 'loading'
                || panel.getBoundingClientRect().top > innerHeight)";
        scene.browser.wait(settled, "the panels in view to be drawn");
    }
    let made = scene.browser.evaluate("[globalThis.ran ?? null, document.querySelectorAll('img').length]");
    assert_eq!(made, json!([null, 0]));
}

#[test]
fn every_view_can_be_used_on_a_phone_by_light_and_in_the_dark() {
    every_view(Browser::phone, "phone");
}

#[test]
fn every_view_can_be_used_on_a_desk_by_light_and_in_the_dark() {
    every_view(|browser| browser.size(1400, 1000), "desk");
}

fn every_view(size: impl Fn(&mut Browser), what: &str) {
    let Some(mut scene) = Scene::set("", |target| chat(target, "3s")) else { return };
    let runs = [0, 1].map(|_| scene.daemon.submit("chat"));
    for run in &runs {
        scene.daemon.wait(run, "finished");
    }
    size(&mut scene.browser);
    let views = [
        ("/".to_owned(), "table.runs tbody tr"),
        ("/start".to_owned(), "form.start:not([hidden])"),
        (format!("/runs/{}", runs[0]), "[data-panel][data-state=drawn]"),
        (format!("/compare?a={}&b={}", runs[0], runs[1]), "tbody tr"),
        ("/dashboards/loadgate-load".to_owned(), "[data-panel][data-state=drawn]"),
        ("/dashboards/loadgate-runs".to_owned(), "[data-panel][data-state=drawn]"),
        ("/alerts".to_owned(), "main h1"),
    ];
    for (route, shown) in views {
        scene.open(&route);
        // What is out of view is not asked for.
        let shown = format!(
            "document.querySelector('[data-panel]')?.scrollIntoView(), document.querySelector({})",
            json!(shown)
        );
        scene.browser.wait(&shown, &route);
        for scheme in ["light", "dark"] {
            scene.browser.scheme(scheme);
            audit(&mut scene.browser, &format!("{route} on a {what}, {scheme}"));
        }
    }
}

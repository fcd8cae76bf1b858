//! What the page does where the daemon wants to know who asks, and where there is no daemon.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::Value;

use super::audit::audit;
use super::scene::{Scene, chat};
use crate::stage::{Browser, Daemon};

#[test]
fn a_token_is_asked_for_once_and_what_it_does_not_allow_is_not_offered() {
    let folder = tempfile::TempDir::new().unwrap();
    let tokens = folder.path().join("tokens");
    fs::write(&tokens, "query:aaaaaaaaaaaaaaaaaaaa\nrun:bbbbbbbbbbbbbbbbbbbb\n").unwrap();
    fs::set_permissions(&tokens, fs::Permissions::from_mode(0o600)).unwrap();
    let config = format!("auth: {{token_file: {}}}\n", tokens.display());
    let Some(mut scene) = Scene::set(&config, |target| chat(target, "2s")) else { return };
    scene.open("/start");
    let give = |browser: &mut Browser, token: &str| {
        browser.wait("document.activeElement.matches('dialog input')", "the focus in the dialog");
        browser.type_text(token);
        browser.press("Enter");
    };
    scene.browser.wait("document.querySelector('dialog[open]')", "the dialog");
    audit(&mut scene.browser, "the dialog for a token");
    give(&mut scene.browser, "wrong-wrong-wrong-wrong");
    scene.browser.wait("document.querySelector('dialog[open] input')?.value === ''", "the dialog again");
    give(&mut scene.browser, "aaaaaaaaaaaaaaaaaaaa");
    scene.browser.wait_for_text("may only look");
    assert_eq!(scene.browser.evaluate("document.querySelector('form.start').hidden"), true);
    // Another one for the same tab.
    scene.browser.click_on("Token");
    give(&mut scene.browser, "bbbbbbbbbbbbbbbbbbbb");
    scene.open("/");
    scene.browser.wait_for_text("No runs yet");
    scene.browser.click_on("Start a run");
    scene.browser.click_on("Start the run");
    let token = "Authorization: Bearer bbbbbbbbbbbbbbbbbbbb\r\n";
    scene.see("finished");
    let runs = scene.daemon.ask("GET", "/api/v1/runs", token, &Value::Null).json();
    assert_eq!(runs["runs"][0]["state"], "finished");
    let kept = scene.browser.evaluate("JSON.stringify([location.href, localStorage, document.cookie])");
    assert!(!kept.as_str().unwrap().contains("bbbbbbbb"), "{kept}");
    scene.browser.forgive(|complaint| complaint.contains("401"));
}

#[test]
fn a_daemon_that_is_gone_is_missed_and_found_again() {
    let Some(Scene { mut browser, daemon, target }) = Scene::set("", |target| chat(target, "1h")) else {
        return;
    };
    let run = daemon.submit("chat");
    daemon.wait(&run, "running");
    let address = daemon.address;
    browser.open(&format!("http://{address}/#/runs/{run}"));
    browser.wait("document.querySelector('.run[data-run-state=running]')", "the run");
    let folder = daemon.kill();
    browser.wait_for_text("cannot be reached");
    let daemon = Daemon::at(&address.to_string(), folder, None);
    browser.wait("!document.body.innerText.includes('cannot be reached')", "the page to find the daemon");
    // It was killed with the run.
    browser.wait("document.querySelector('.run[data-run-state=interrupted]')", "what became of the run");
    let lost =
        browser.forgive(|complaint| complaint.contains("ERR_") || complaint.contains("Failed to load"));
    assert!(lost > 0, "it was gone");
    drop((browser, daemon, target));
}

//! Pictures of the page during a run that fails, for eyes: `cargo test --test it page::pictures -- --ignored`; they
//! come to target/pictures, and the README's to docs/images/page.png.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::json;

use crate::stage::{Browser, Daemon, demo_target};

const PLAN: &str = include_str!("../../../config/plans/chat-streaming.yml");
const BOARDS: [&str; 5] = ["slo", "load", "websocket", "target", "runs"];

struct Album {
    browser: Browser,
    folder: PathBuf,
    page: String,
}

impl Album {
    fn take(&mut self, route: &str, name: &str, whole: bool) {
        self.browser.open("about:blank");
        self.browser.open(&format!("{}/#{route}", self.page));
        self.browser.wait("document.querySelector('main h1')", route);
        // Not a condition: a picture of what is there after a while.
        std::thread::sleep(Duration::from_secs(3));
        self.browser.screenshot(&self.folder.join(format!("{name}.png")), whole);
    }

    fn take_all(&mut self, run: &str, when: &str) {
        for (size, scheme) in [("desk", "light"), ("desk", "dark"), ("phone", "light"), ("phone", "dark")] {
            self.browser.scheme(scheme);
            if size == "phone" {
                self.browser.phone();
            } else {
                self.browser.size(1400, 1000);
            }
            self.take(&format!("/runs/{run}"), &format!("{when}-{size}-{scheme}-run"), false);
        }
        for board in BOARDS {
            self.browser.scheme("light");
            // As tall as the board, for what is out of view is not drawn.
            self.browser.size(1400, 2600);
            self.take(&format!("/dashboards/loadgate-{board}"), &format!("{when}-desk-light-{board}"), false);
        }
    }
}

#[test]
#[ignore = "takes pictures of a run of two minutes"]
fn pictures_of_a_run_whose_loop_is_slowed() {
    let Some(browser) = Browser::start() else { return };
    let target = demo_target(&["slow-loop=60"]);
    let daemon = Daemon::start("", &[("chat-streaming", PLAN)]);
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = root.join("target/pictures");
    std::fs::create_dir_all(&folder).unwrap();
    let (http, ws) = (target.http(), target.ws());
    let env = json!({"BASE_URL": http, "WS_URL": ws, "VUS": "50", "DURATION": "100s"});
    let answer = daemon.ask("POST", "/api/v1/runs", "", &json!({"plan": "chat-streaming", "env": env}));
    assert_eq!(answer.status, 201, "{}", answer.text());
    let run = crate::stage::id(&answer.json());
    daemon.wait(&run, "running");
    let mut album = Album { browser, folder, page: format!("http://{}", daemon.address) };
    album.take("/", "during-desk-light-runs-list", false);
    std::thread::sleep(Duration::from_secs(20));
    album.take_all(&run, "during");
    daemon.wait(&run, "finished");
    album.take_all(&run, "after");
    for (route, name) in [("/", "list"), ("/start", "start"), ("/alerts", "alerts")] {
        album.browser.size(1400, 1000);
        album.take(route, &format!("after-desk-light-{name}"), false);
        album.browser.phone();
        album.take(route, &format!("after-phone-light-{name}"), false);
    }
    album.browser.size(1400, 1000);
    album.browser.scheme("dark");
    album.browser.open(&format!("{}/#/runs/{run}", album.page));
    album
        .browser
        .wait("document.querySelectorAll('[data-panel][data-state=drawn]').length >= 4", "four panels");
    album.browser.screenshot(&root.join("docs/images/page.png"), false);
}

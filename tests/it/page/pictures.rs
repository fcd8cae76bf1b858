//! Pictures of the page during a run that fails, for eyes: `cargo test --test it page::pictures -- --ignored`; they
//! come to target/pictures, and the README's to docs/images/page.png.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::json;

use crate::stage::{Browser, Daemon, demo_target};

const PLAN: &str = include_str!("../../../config/plans/chat-streaming.yml");
const RULES: &str = include_str!("../../../alerting/rules/backend.yml");
const BOARDS: [&str; 5] = ["slo", "load", "websocket", "target", "runs"];
/// No panel in view waits for its answer. A run's page and a board have panels, though on a phone none may be in view.
const SETTLED: &str = "(panels => (panels.length > 0 || !/^#.(runs|dashboards)./.test(location.hash))
    && panels.filter(panel => panel.getBoundingClientRect().top < innerHeight).every(panel => panel.dataset.state !== 'loading'))(
    [...document.querySelectorAll('[data-panel]')])";

#[derive(Clone, Copy)]
enum Size {
    Desk,
    /// What is out of view is not drawn.
    TallDesk,
    Phone,
    TallPhone,
}

struct Album {
    browser: Browser,
    folder: PathBuf,
    page: String,
}

impl Album {
    fn take(&mut self, route: &str, name: &str, size: Size, scheme: &str) {
        let what = match size {
            Size::Desk | Size::TallDesk => "desk",
            Size::Phone | Size::TallPhone => "phone",
        };
        match size {
            Size::Desk => self.browser.size(1400, 1000),
            Size::TallDesk => self.browser.size(1400, 2600),
            Size::Phone => self.browser.phone(),
            Size::TallPhone => self.browser.size(360, 6000),
        }
        self.browser.scheme(scheme);
        self.browser.open("about:blank");
        self.browser.open(&format!("{}/#{route}", self.page));
        self.shoot(route, &self.folder.join(format!("{name}-{what}-{scheme}.png")));
    }

    fn shoot(&mut self, what: &str, file: &Path) {
        self.browser.wait("document.querySelector('main h1')", what);
        self.browser.wait(SETTLED, what);
        // Not a condition: marks and pickers come after what they are on.
        std::thread::sleep(Duration::from_secs(1));
        self.browser.screenshot(file, false);
    }

    fn take_run(&mut self, run: &str, when: &str) {
        for scheme in ["light", "dark"] {
            for size in [Size::Desk, Size::Phone] {
                self.take(&format!("/runs/{run}"), &format!("{when}-run"), size, scheme);
            }
        }
    }

    fn take_boards(&mut self, when: &str, size: Size, scheme: &str) {
        for board in BOARDS {
            self.take(&format!("/dashboards/loadgate-{board}"), &format!("{when}-{board}"), size, scheme);
        }
    }
}

#[test]
#[ignore = "takes pictures of runs of two minutes"]
fn pictures_of_a_run_whose_loop_is_slowed() {
    let Some(browser) = Browser::start() else { return };
    let target = demo_target(&["slow-loop=60"]);
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    // With shipped rules, for what fires by them.
    let plan = PLAN.replace("\nthresholds:", "\nrules: [../rules.yml]\nthresholds:");
    assert_ne!(plan, PLAN);
    let daemon = Daemon::start("", &[("chat-streaming", &plan)]);
    std::fs::write(daemon.path("rules.yml"), RULES).unwrap();
    let folder = root.join("target/pictures");
    std::fs::create_dir_all(&folder).unwrap();
    let begin = |duration: &str| {
        let env =
            json!({"BASE_URL": target.http(), "WS_URL": target.ws(), "VUS": "50", "DURATION": duration});
        let answer = daemon.ask("POST", "/api/v1/runs", "", &json!({"plan": "chat-streaming", "env": env}));
        assert_eq!(answer.status, 201, "{}", answer.text());
        let run = crate::stage::id(&answer.json());
        daemon.wait(&run, "running");
        run
    };
    let run = begin("100s");
    let mut album = Album { browser, folder, page: format!("http://{}", daemon.address) };
    album.take("/", "during-list", Size::Desk, "light");
    std::thread::sleep(Duration::from_secs(20));
    album.take_run(&run, "during");
    album.take_boards("during", Size::TallDesk, "light");
    for size in [Size::TallDesk, Size::TallPhone] {
        album.take("/alerts", "during-alerts", size, "light");
    }
    see_out(&daemon, &run);
    album.take_run(&run, "after");
    album.take_boards("after", Size::TallDesk, "dark");
    for board in BOARDS.iter().filter(|board| **board != "runs") {
        let route = format!("/runs/{run}?dashboard=loadgate-{board}");
        album.take(&route, &format!("after-run-{board}"), Size::TallDesk, "light");
        album.take(&route, &format!("after-run-{board}"), Size::TallPhone, "light");
    }
    album.take("/dashboards/loadgate-runs", "after-runs", Size::TallPhone, "light");
    let other = begin("45s");
    see_out(&daemon, &other);
    let compare = format!("/compare?a={run}&b={other}");
    let views = [
        ("/", "list"),
        ("/start", "start"),
        ("/start?own=yes", "own"),
        ("/alerts", "alerts"),
        ("/runbooks/BackendHzLow", "runbook"),
        (&compare, "compare"),
    ];
    for (route, name) in views {
        for (size, scheme) in [(Size::Desk, "light"), (Size::Desk, "dark"), (Size::TallPhone, "light")] {
            album.take(route, &format!("after-{name}"), size, scheme);
        }
    }
    let report = daemon.ask("GET", &format!("/api/v1/runs/{run}/report"), "", &serde_json::Value::Null);
    let file = daemon.path("report.html");
    std::fs::write(&file, report.text()).unwrap();
    for (width, height, name) in [(1400, 2600, "report-desk"), (360, 6000, "report-phone")] {
        album.browser.size(width, height);
        album.browser.open(&format!("file://{}", file.display()));
        album.browser.wait("document.querySelector('[data-panel][data-state=drawn]')", "the report's panels");
        album.shoot("the report", &album.folder.join(format!("{name}.png")));
    }
    album.take(&format!("/runs/{run}"), "page", Size::Desk, "dark");
    std::fs::copy(album.folder.join("page-desk-dark.png"), root.join("docs/images/page.png")).unwrap();
}

/// The runs take longer than a test usually has patience for.
fn see_out(daemon: &Daemon, run: &str) {
    for _second in 0..300 {
        if daemon.run(run)["state"] == "finished" {
            return;
        }
        std::thread::sleep(Duration::from_secs(1));
    }
    panic!("{run} is not over after five minutes");
}

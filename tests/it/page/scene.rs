//! What a test of the page begins with: the demo target, a daemon with a plan, and a browser that looks at it.

use std::net::SocketAddr;

use crate::stage::{Browser, Daemon, Service, demo_target};

pub(super) struct Scene {
    /// Before the daemon, which would otherwise be gone under the page.
    pub(super) browser: Browser,
    pub(super) daemon: Daemon,
    pub(super) target: Service,
}

impl Scene {
    /// `None` where there is no Chromium.
    pub(super) fn set(config: &str, plan: impl Fn(SocketAddr) -> String) -> Option<Scene> {
        let browser = Browser::start()?;
        let target = demo_target(&[]);
        let daemon = Daemon::start(config, &[("chat", &plan(target.address))]);
        Some(Scene { browser, daemon, target })
    }

    pub(super) fn open(&mut self, route: &str) {
        let address = self.daemon.address;
        self.browser.open(&format!("http://{address}/#{route}"));
    }

    /// Until the page shows the run in this state.
    pub(super) fn see(&mut self, state: &str) {
        self.browser.wait(
            &format!("document.querySelector('.run[data-run-state=\"{state}\"]')"),
            &format!("the page to show the state {state}"),
        );
    }

    /// Until the run is over and the page shows its verdict, which a slow machine may have made inconclusive.
    pub(super) fn see_end(&mut self, run: &str) {
        self.see("finished");
        let verdict = self.daemon.wait(run, "finished")["verdict"].clone();
        let verdict = verdict.as_str().unwrap();
        self.browser.wait(
            &format!("document.querySelector('.run[data-verdict={verdict}] .verdict')?.innerText.includes('{verdict}')"),
            &format!("the page to show the verdict {verdict}"),
        );
    }

    /// The id of the run whose page is open.
    pub(super) fn run(&mut self) -> String {
        self.browser.wait("location.hash.startsWith('#/runs/')", "the page of a run");
        let id = self.browser.evaluate("location.hash.split('/')[2].split('?')[0]");
        id.as_str().unwrap().to_owned()
    }
}

/// Chats and requests with thresholds that hold, for so long.
pub(super) fn chat(target: SocketAddr, duration: &str) -> String {
    format!(
        "name: chat
description: Two users chat while ten requests a second are made
vars: {{RATE: 10}}
scrape: [{{job: backend, url: 'http://{target}/metrics', interval: 1s, timeout: 500ms}}]
probes: {{hz: {{query: 'backend_loop_hz{{job=\"backend\"}}', interval: 1s}}}}
scenarios:
  chat:
    executor: constant-vus
    vus: 2
    duration: {duration}
    graceful_stop: 2s
    flow:
      - websocket:
          url: ws://{target}/api/chat
          flow:
            - repeat:
                times: 5
                flow:
                  - send: {{json: {{type: message, content: hello}}}}
                  - receive: {{until: json.type == \"done\", timeout: 10s}}
                  - sleep: 200ms
            - log: \"user {{{{ vu }}}} has said enough\"
  requests:
    executor: constant-arrival-rate
    rate: ${{RATE}}
    duration: {duration}
    pre_allocated_vus: 5
    max_vus: 20
    flow: [{{http: {{url: 'http://{target}/health', checks: {{healthy: status == 200}}}}}}]
thresholds:
  hz: [\"max>10\"]
  http_req_failed: [rate<0.01]
  checks: [rate>0.99]
"
    )
}

//! Debian's Chromium, without a screen. Where it is not installed a test skips, and says so.

mod complaints;
mod input;
mod pipe;

use std::path::Path;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};

use complaints::Complaints;
use pipe::Pipe;

/// For whatever a test waits for.
const PATIENCE: Duration = Duration::from_secs(60);
/// Between two looks at a page.
const LOOK: Duration = Duration::from_millis(50);

/// One page. Dropped, it fails the test if there was an error, a violation of the page's policy or a failed request
/// that [`forgive`](Self::forgive) did not name.
pub(crate) struct Browser {
    pipe: Pipe,
    session: String,
    complaints: Complaints,
}

impl Browser {
    /// As wide as a desk's; `None` where it is not installed.
    pub(crate) fn start() -> Option<Browser> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        if !std::env::split_paths(&path).any(|folder| folder.join("chromium").exists()) {
            println!("skipped: there is no chromium; it is Debian's package of this name");
            return None;
        }
        let mut pipe = Pipe::open();
        let target = pipe.call("", "Target.createTarget", &json!({"url": "about:blank"}))["targetId"].take();
        let attach = json!({"targetId": target, "flatten": true});
        let session = pipe.call("", "Target.attachToTarget", &attach)["sessionId"].take();
        let session = session.as_str().unwrap().to_owned();
        let mut browser = Browser { pipe, session, complaints: Complaints::default() };
        for domain in ["Page", "Runtime", "Log", "Network"] {
            browser.page(&format!("{domain}.enable"), &json!({}));
        }
        browser.size(1400, 1000);
        Some(browser)
    }

    /// A command of the DevTools protocol to the page.
    pub(crate) fn page(&mut self, method: &str, parameters: &Value) -> Value {
        let result = self.pipe.call(&self.session, method, parameters);
        self.hear();
        result
    }

    fn hear(&mut self) {
        for event in self.pipe.events() {
            self.complaints.hear(&event);
        }
    }

    /// Goes to an address, and waits until its document and modules are loaded.
    pub(crate) fn open(&mut self, url: &str) {
        let navigated = self.page("Page.navigate", &json!({"url": url}));
        assert!(navigated["errorText"].is_null(), "{url}: {navigated}");
        self.wait("document.readyState === 'complete'", &format!("{url} to load"));
    }

    /// The value of an expression in the page, awaited.
    ///
    /// # Panics
    /// When it throws.
    pub(crate) fn evaluate(&mut self, expression: &str) -> Value {
        let mut answer = self.page(
            "Runtime.evaluate",
            &json!({"expression": expression, "awaitPromise": true, "returnByValue": true}),
        );
        let thrown = &answer["exceptionDetails"];
        assert!(thrown.is_null(), "{expression}: {thrown}");
        answer["result"]["value"].take()
    }

    /// Until an expression is true; its value as JavaScript sees it.
    ///
    /// # Panics
    /// When it is not in a minute; what the page then shows is said.
    pub(crate) fn wait(&mut self, expression: &str, what: &str) {
        let (look, patience) = (format!("!!({expression})"), Instant::now() + PATIENCE);
        while self.evaluate(&look) != true {
            if Instant::now() >= patience {
                let shown = self.text("body");
                let panels = "[...document.querySelectorAll('[data-panel]')].map(panel =>
                    `${panel.dataset.state}: ${panel.innerText.slice(0, 80)}`)";
                let panels = self.evaluate(panels);
                panic!(
                    "waited in vain for {what}:\n{shown:.2000}\n{panels:#}\n{:#?}",
                    self.complaints.list()
                );
            }
            std::thread::sleep(LOOK);
        }
    }

    /// Until the page shows this text somewhere.
    pub(crate) fn wait_for_text(&mut self, text: &str) {
        self.wait(&format!("document.body.innerText.includes({})", json!(text)), &format!("`{text}`"));
    }

    /// What is to be read in what a selector finds; nothing if there is none.
    pub(crate) fn text(&mut self, selector: &str) -> String {
        let text = self.evaluate(&format!("document.querySelector({})?.innerText ?? ''", json!(selector)));
        text.as_str().unwrap_or_default().to_owned()
    }

    /// The part of the window that the page has, in CSS pixels.
    pub(crate) fn size(&mut self, width: u32, height: u32) {
        self.page(
            "Emulation.setDeviceMetricsOverride",
            &json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false}),
        );
    }

    /// A phone that is held upright.
    pub(crate) fn phone(&mut self) {
        self.page(
            "Emulation.setDeviceMetricsOverride",
            &json!({"width": 360, "height": 740, "deviceScaleFactor": 2, "mobile": true}),
        );
    }

    /// `light` or `dark`, as the user prefers; and no movement.
    pub(crate) fn scheme(&mut self, scheme: &str) {
        let features = json!([
            {"name": "prefers-color-scheme", "value": scheme},
            {"name": "prefers-reduced-motion", "value": "reduce"},
        ]);
        self.page("Emulation.setEmulatedMedia", &json!({"features": features}));
    }

    /// What is in view; the whole page if `whole`.
    pub(crate) fn screenshot(&mut self, file: &Path, whole: bool) {
        let taken =
            self.page("Page.captureScreenshot", &json!({"format": "png", "captureBeyondViewport": whole}));
        std::fs::write(file, BASE64.decode(taken["data"].as_str().unwrap()).unwrap()).unwrap();
    }

    /// The addresses of all that was requested, in order.
    pub(crate) fn requested(&mut self) -> Vec<String> {
        self.hear();
        self.complaints.requested.clone()
    }

    /// Forgets complaints that the test brought about; how many they were.
    pub(crate) fn forgive(&mut self, expected: impl Fn(&str) -> bool) -> usize {
        self.hear();
        self.complaints.forgive(expected)
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        self.hear();
        let complaints = self.complaints.list();
        assert!(complaints.is_empty() || std::thread::panicking(), "the page complains: {complaints:#?}");
    }
}

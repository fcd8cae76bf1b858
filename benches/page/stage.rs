//! What is looked at: a daemon with the shipped chat plan under way, and Chromium.

use std::path::Path;
use std::time::Duration;

use serde_json::json;

use crate::browser::Browser;
use crate::runs::{self, Wanted};
use crate::service::Service;
use crate::{Result, http};

/// When the state or verdict is there in words and four panels in view have their data drawn, in milliseconds since the
/// navigation. Looked at in each frame, in the page itself, so that only the page's own work is between.
pub(crate) const FIRST_USEFUL: &str = "
    const useful = () => {
        const inView = element => {
            const box = element.getBoundingClientRect();
            return box.height > 0 && box.top < innerHeight && box.bottom > 0;
        };
        const drawn = [...document.querySelectorAll('[data-panel][data-state=drawn]')].filter(inView);
        const verdict = document.querySelector('.verdict');
        return drawn.length >= 4 && Boolean(verdict?.textContent.trim());
    };
    const look = () => {
        if (useful()) globalThis.firstUseful ??= performance.now();
        else requestAnimationFrame(look);
    };
    requestAnimationFrame(look);";

const PLAN: &str = include_str!("../../config/plans/chat-streaming.yml");

#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) daemon: Service,
    pub(crate) run: String,
    pub(crate) target: Service,
}

impl Stage {
    /// A run of an hour that ends with the stage, once its windows have something in them.
    pub(crate) fn set(folder: &Path, users: u32) -> Result<Stage> {
        std::fs::create_dir_all(folder)?;
        let target = Service::target(folder, &[])?;
        let mut daemon = Service::daemon(folder, None)?;
        daemon.ready("/-/ready")?;
        let env = json!({
            "BASE_URL": format!("http://{}", target.address),
            "WS_URL": format!("ws://{}", target.address),
            "VUS": users.to_string(),
            "DURATION": "1h",
        });
        let run = Wanted { plan: PLAN, env, key: "page".to_owned() }.submit(daemon.address)?;
        runs::until(daemon.address, &run, &["running"], Duration::from_secs(30))?;
        let stage = Stage { daemon, run, target };
        stage.until_seen("loadgate_run_elapsed_seconds > 30")?;
        Ok(stage)
    }

    fn until_seen(&self, expression: &str) -> Result<()> {
        let query: String = url::form_urlencoded::byte_serialize(expression.as_bytes()).collect();
        loop {
            let answer = http::get(self.daemon.address, &format!("/api/v1/query?query={query}"))?.json()?;
            if answer["data"]["result"].as_array().is_some_and(|result| !result.is_empty()) {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    pub(crate) fn page(&self, route: &str) -> String {
        format!("http://{}/#{route}", self.daemon.address)
    }
}

pub(crate) fn browser() -> Result<Browser> {
    Browser::start().ok_or_else(|| "this bench needs Chromium (apt-get install chromium)".into())
}

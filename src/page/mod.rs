//! The page's files: what `/` serves and what the HTML report is made of.
//!
//! Plain ES modules that name each other `loadgate/NAME`; an import map leads there, on the page to `/page/NAME`, in the
//! report to the text itself. There is nothing to build and nothing from elsewhere is loaded.

mod runbooks;
mod single_file;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use sha2::{Digest as _, Sha256};

pub use runbooks::{RUNBOOKS, Runbook};
pub use single_file::single_file;

/// A file below `/page/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asset {
    pub name: &'static str,
    pub text: &'static str,
}

/// Files of `assets/` by their names.
macro_rules! assets {
    ($($name:literal,)*) => { &[$(Asset { name: $name, text: include_str!(concat!("assets/", $name)) }),*] };
}

/// Each file of the page but for `index.html`.
pub const ASSETS: &[Asset] = assets![
    "about.js",
    "actions.js",
    "alerts.js",
    "annotations.js",
    "api.js",
    "app.js",
    "buckets.js",
    "chart-data.js",
    "chart-marks.js",
    "chart-options.js",
    "chart-tooltip.js",
    "compare.js",
    "dashboard.js",
    "dashboards.js",
    "dom.js",
    "elements.js",
    "field.js",
    "findings.js",
    "format.js",
    "gates.js",
    "grid.js",
    "happened.js",
    "interpolate.js",
    "legend.js",
    "limiter.js",
    "log.js",
    "markdown.js",
    "page.css",
    "own-plan.js",
    "panel-bargauge.js",
    "panel-gauge.js",
    "panel-heatmap.js",
    "panel-stat.js",
    "panel-table.js",
    "panel-text.js",
    "panel-timeseries.js",
    "panel.js",
    "panels.css",
    "pickers.js",
    "poll.js",
    "progress.js",
    "range-controls.js",
    "reduce.js",
    "reduced.js",
    "report.js",
    "router.js",
    "run.js",
    "runbook-link.js",
    "runbook.js",
    "runs.js",
    "save.js",
    "schedules.js",
    "shell.js",
    "source.js",
    "sse.js",
    "start.js",
    "state.js",
    "target.js",
    "theme.js",
    "time-range.js",
    "token.js",
    "transform.js",
    "units.js",
    "variables.js",
    "vendor-uplot.js",
    "verdict.js",
];

const INDEX: &str = include_str!("assets/index.html");
/// Where the import map stands in `index.html`.
const IMPORT_MAP: &str = "<!-- import map -->";

impl Asset {
    pub fn of(name: &str) -> Option<Asset> {
        ASSETS.iter().copied().find(|asset| asset.name == name)
    }

    pub fn media_type(self) -> &'static str {
        if self.name.ends_with(".css") { "text/css; charset=utf-8" } else { "text/javascript; charset=utf-8" }
    }
}

/// What `/` answers, with the policy that it is served with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Index {
    pub html: String,
    /// `Content-Security-Policy`: own files and own API only; of inline scripts the import map alone.
    pub policy: String,
}

impl Index {
    pub fn new() -> Index {
        let map = import_map(ASSETS, |asset| format!("/page/{}", asset.name));
        let element = format!("<script type=\"importmap\">{map}</script>");
        Index {
            html: INDEX.replacen(IMPORT_MAP, &element, 1),
            policy: format!(
                "default-src 'none'; script-src 'self' {}; style-src 'self'; img-src 'self' data:; \
                 connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
                digest(&map)
            ),
        }
    }
}

impl Default for Index {
    fn default() -> Self {
        Index::new()
    }
}

/// Leads from `loadgate/NAME` to where `place` says that the script is.
pub fn import_map(assets: &[Asset], place: impl Fn(&Asset) -> String) -> String {
    let scripts = assets.iter().filter(|asset| asset.name.ends_with(".js"));
    let imports: serde_json::Map<String, serde_json::Value> =
        scripts.map(|asset| (format!("loadgate/{}", asset.name), place(asset).into())).collect();
    serde_json::json!({ "imports": imports }).to_string()
}

/// What a policy calls an inline element by.
fn digest(text: &str) -> String {
    format!("'sha256-{}'", BASE64.encode(Sha256::digest(text.as_bytes())))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    #[test]
    fn every_file_of_the_page_is_served_but_for_the_index_and_notes() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/page/assets");
        let files =
            std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
        let there: BTreeSet<String> =
            files.filter(|name| !name.ends_with(".html") && !name.ends_with(".md")).collect();
        let served: BTreeSet<String> = ASSETS.iter().map(|asset| asset.name.to_owned()).collect();
        assert_eq!(served, there);
    }

    #[test]
    fn modules_name_only_modules_that_there_are() {
        for asset in ASSETS.iter().filter(|asset| asset.name.ends_with(".js")) {
            let named = asset.text.split("\"loadgate/").skip(1).filter_map(|rest| rest.split('"').next());
            for name in named {
                assert!(Asset::of(name).is_some(), "{} names {name}", asset.name);
            }
        }
    }
}

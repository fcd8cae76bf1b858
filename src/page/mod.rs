//! The page's files: what `/` serves and what the HTML report is made of.
//!
//! Plain ES modules that name each other `loadgate/NAME`; an import map leads there, on the page to `/page/NAME`, in the
//! report to the text itself. There is nothing to build and nothing from elsewhere is loaded.

mod single_file;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use sha2::{Digest as _, Sha256};

pub use single_file::single_file;

/// A file below `/page/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asset {
    pub name: &'static str,
    pub text: &'static str,
}

/// Each file of the page but for `index.html`.
pub const ASSETS: [Asset; 3] = [
    Asset { name: "app.js", text: include_str!("assets/app.js") },
    Asset { name: "report.js", text: include_str!("assets/report.js") },
    Asset { name: "page.css", text: include_str!("assets/page.css") },
];

const INDEX: &str = include_str!("assets/index.html");
/// Where the import map stands in `index.html`.
const IMPORT_MAP: &str = "<!-- import map -->";

impl Asset {
    pub fn of(name: &str) -> Option<Asset> {
        ASSETS.into_iter().find(|asset| asset.name == name)
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
        let map = import_map(&ASSETS, |asset| format!("/page/{}", asset.name));
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
fn import_map(assets: &[Asset], place: impl Fn(&Asset) -> String) -> String {
    let scripts = assets.iter().filter(|asset| asset.name.ends_with(".js"));
    let imports: serde_json::Map<String, serde_json::Value> =
        scripts.map(|asset| (format!("loadgate/{}", asset.name), place(asset).into())).collect();
    serde_json::json!({ "imports": imports }).to_string()
}

/// What a policy calls an inline element by.
fn digest(text: &str) -> String {
    format!("'sha256-{}'", BASE64.encode(Sha256::digest(text.as_bytes())))
}

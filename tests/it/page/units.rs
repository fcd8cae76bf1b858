//! The parts of the page that only reckon: units, reducers, interpolation, tables, grids. Run where they are used, in
//! the browser, by `units.js`.

use crate::stage::{Browser, HttpServer, reply_with};

const CASES: &str = include_str!("units.js");
/// What the daemon's own interpolation is tested with, too.
const INTERPOLATION: &str = include_str!("../../../src/dashboard/cases.json");

#[test]
fn what_the_page_reckons_with_is_right() {
    let Some(mut browser) = Browser::start() else { return };
    let server = modules("", &[("/cases.json", INTERPOLATION)]);
    browser.open(&server.url());
    let failures = browser.evaluate(&format!("{CASES}()"));
    let failures: Vec<String> = serde_json::from_value(failures).unwrap();
    assert!(failures.is_empty(), "\n{}\n", failures.join("\n"));
}

#[test]
fn what_is_wrong_is_named() {
    let Some(mut browser) = Browser::start() else { return };
    let server = modules(
        "",
        &[("/cases.json", r#"{"scope": {"variables": {}}, "cases": [{"from": "$a", "expression": "b"}]}"#)],
    );
    browser.open(&server.url());
    let failures = browser.evaluate(&format!("{CASES}()"));
    assert!(failures.to_string().contains("expression $a: "), "{failures}");
}

/// A page with the page's modules and styles, but without its app.
pub(super) fn modules(body: &str, files: &'static [(&str, &str)]) -> HttpServer {
    let index = loadgate::page::Index::new().html;
    let (_, after) = index.split_once("<script type=\"importmap\">").unwrap();
    let map = after.split_once("</script>").unwrap().0;
    let page = format!(
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>\
         <title>modules</title><link rel=icon href='data:,'><link rel=stylesheet href=/page/page.css>\
         <link rel=stylesheet href=/page/panels.css><script type=importmap>{map}</script><body>{body}"
    );
    HttpServer::start(move |asked| {
        let asset = asked.path.strip_prefix("/page/").and_then(loadgate::page::Asset::of);
        let file = files.iter().find(|(path, _)| *path == asked.path);
        let answer = match (asset, file) {
            (Some(asset), _) => {
                reply_with(200, &format!("content-type: {}\r\n", asset.media_type()), asset.text)
            }
            (None, Some((_, text))) => reply_with(200, "content-type: application/json\r\n", text),
            (None, None) if asked.path == "/" => reply_with(200, "content-type: text/html\r\n", &page),
            (None, None) => reply_with(404, "", ""),
        };
        async { answer }
    })
}

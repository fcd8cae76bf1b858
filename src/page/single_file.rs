//! The page as one file that holds its scripts, its styles and its data, and loads nothing: to be kept, mailed and opened
//! anywhere.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::{ASSETS, Asset, digest, import_map};

const TEMPLATE: &str = include_str!("assets/report.html");
/// The module that shows the data.
const ENTRY: &str = "report.js";

/// The file but for its title and its data.
static SHELL: LazyLock<Shell> = LazyLock::new(Shell::new);

struct Shell {
    before_title: String,
    before_data: String,
    after: &'static str,
}

/// `data` is JSON, which `report.js` reads.
pub fn single_file(title: &str, data: &str) -> String {
    let Shell { before_title, before_data, after } = &*SHELL;
    format!("{before_title}{}{before_data}{}{after}", escaped(title), within_script(data))
}

impl Shell {
    fn new() -> Shell {
        let scripts = scripts_of(ENTRY);
        let map = import_map(&scripts, |asset| {
            format!("data:text/javascript;charset=utf-8;base64,{}", BASE64.encode(asset.text))
        });
        let entry = format!(
            "import {{ showReport }} from \"loadgate/{ENTRY}\";\n\
             showReport(document.getElementById(\"page\"), JSON.parse(document.getElementById(\"report\").textContent));"
        );
        let styles: Vec<&str> =
            ASSETS.iter().filter(|asset| asset.name.ends_with(".css")).map(|asset| asset.text).collect();
        let hashes = |texts: &[&str]| texts.iter().map(|text| digest(text)).collect::<Vec<_>>().join(" ");
        // Modules are data: URLs. A meta element cannot say who may frame the page.
        let policy = format!(
            "default-src 'none'; script-src data: {}; style-src {}; img-src data:; base-uri 'none'; form-action 'none'",
            hashes(&[&map, &entry]),
            hashes(&styles)
        );
        let styles: String = styles.iter().map(|text| format!("<style>{text}</style>\n")).collect();
        let scripts =
            format!("<script type=\"importmap\">{map}</script>\n<script type=\"module\">{entry}</script>");
        let (before_title, rest) = parts(TEMPLATE, "<!-- title -->");
        let (before_data, after) = parts(rest, "<!-- data -->");
        Shell {
            before_title: filled(before_title, &[("<!-- policy -->", &policy)]),
            before_data: filled(
                before_data,
                &[("<!-- styles -->", styles.trim_end()), ("<!-- scripts -->", &scripts)],
            ),
            after,
        }
    }
}

/// The script of this name and all that it imports, directly or not.
fn scripts_of(entry: &str) -> Vec<Asset> {
    let mut wanted: Vec<Asset> = Asset::of(entry).into_iter().collect();
    let mut at = 0;
    while let Some(script) = wanted.get(at).copied() {
        at += 1;
        let imported = ASSETS
            .iter()
            .copied()
            .filter(|asset| script.text.contains(&format!("\"loadgate/{}\"", asset.name)));
        for asset in imported {
            if !wanted.contains(&asset) {
                wanted.push(asset);
            }
        }
    }
    wanted
}

/// Each place once, from the beginning to the end: what is filled in is not looked at.
fn filled(template: &str, places: &[(&str, &str)]) -> String {
    let mut out = String::new();
    let mut rest = template;
    for (place, text) in places {
        let (before, after) = parts(rest, place);
        out.push_str(before);
        out.push_str(text);
        rest = after;
    }
    out + rest
}

/// Before a place of the template, and after it.
fn parts<'t>(template: &'t str, place: &str) -> (&'t str, &'t str) {
    template.split_once(place).unwrap_or((template, ""))
}

/// JSON in which no element can begin or end: `<` stands in its strings only.
fn within_script(json: &str) -> String {
    json.replace('<', "\\u003c")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_data_stays_data() {
        let json =
            serde_json::json!({"a": "</script><script>alert(1)</script><!-- data --> <!--"}).to_string();
        let file = single_file("</title><b>&", &json);
        assert_eq!(file.matches("<script").count(), 3, "map, entry and data");
        assert_eq!(file.matches("</script>").count(), 3);
        assert!(file.contains("<title>&lt;/title&gt;&lt;b&gt;&amp;</title>"));
        let (_, data) = file.split_once("id=\"report\">").unwrap();
        let (data, _) = data.split_once("</script>").unwrap();
        let back: serde_json::Value = serde_json::from_str(data).unwrap();
        assert_eq!(back.to_string(), json);
    }

    #[test]
    fn the_file_leads_nowhere_and_runs_nothing_but_its_own() {
        let file = single_file("t", "{}");
        for elsewhere in ["src=", "href=", "/page/", "'unsafe-inline'", "'unsafe-eval'", "<!-- "] {
            let line = file.lines().find(|line| line.contains(elsewhere));
            assert_eq!(line, None, "{elsewhere}");
        }
        assert!(file.contains("default-src 'none'"));
    }

    #[test]
    fn it_holds_the_scripts_that_are_imported_and_no_others() {
        let names: Vec<&str> = scripts_of(ENTRY).iter().map(|asset| asset.name).collect();
        assert_eq!(names.first(), Some(&ENTRY));
        assert!(!names.contains(&"app.js"), "a report has no runs to list");
        for script in scripts_of(ENTRY) {
            for (_, after) in script
                .text
                .match_indices("\"loadgate/")
                .map(|(at, found)| script.text.split_at(at + found.len()))
            {
                let name = after.split('"').next().unwrap();
                assert!(names.contains(&name), "{} imports {name}, which is not there", script.name);
            }
        }
    }
}

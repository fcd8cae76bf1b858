//! Whether everybody can use what a page shows: names, headings, contrast, nothing wider than the window.

use serde_json::{Value, json};

use crate::stage::Browser;

const DOCUMENT: &str = include_str!("audit.js");

/// Roles of what one can do something with: it needs a name.
const CONTROLS: [&str; 13] = [
    "button",
    "link",
    "textbox",
    "searchbox",
    "combobox",
    "listbox",
    "checkbox",
    "radio",
    "tab",
    "slider",
    "spinbutton",
    "switch",
    "menuitem",
];
/// Roles that say nothing without a name.
const NAMED: [&str; 4] = ["image", "region", "dialog", "heading"];

/// # Panics
/// With all that there is to complain of.
pub(super) fn audit(browser: &mut Browser, what: &str) {
    let complaints = browser.evaluate(DOCUMENT);
    let mut complaints: Vec<String> = serde_json::from_value(complaints).unwrap();
    let tree = browser.page("Accessibility.getFullAXTree", &json!({}));
    let nodes = tree["nodes"].as_array().unwrap();
    for node in nodes.iter().filter(|node| node["ignored"] != true) {
        let role = node["role"]["value"].as_str().unwrap_or_default();
        let name = node["name"]["value"].as_str().unwrap_or_default();
        if (CONTROLS.contains(&role) || NAMED.contains(&role)) && name.trim().is_empty() {
            complaints
                .push(format!("a {role} without a name: {}", place(browser, &node["backendDOMNodeId"])));
        }
    }
    assert!(complaints.is_empty(), "{what}:\n{}", complaints.join("\n"));
}

fn place(browser: &mut Browser, node: &Value) -> String {
    let html = browser.page("DOM.getOuterHTML", &json!({"backendNodeId": node}));
    html["outerHTML"].as_str().unwrap_or_default().chars().take(200).collect()
}

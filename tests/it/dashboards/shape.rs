//! The JSON of the dashboards: what Grafana would not complain of, and would show badly.

use std::collections::BTreeSet;
use std::path::Path;

use loadgate::dashboard::{Dashboard, Panel, SHIPPED};
use regex::Regex;
use serde_json::Value;

use super::{dashboards, documents};

const COLUMNS: u32 = 24;

/// Every file of the folder is shipped, and all that is shipped is of the subset that the page renders.
#[test]
fn the_folder_holds_the_shipped_dashboards_and_each_has_a_uid_of_its_own() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("grafana/dashboards");
    let files: BTreeSet<String> =
        folder.read_dir().unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    let uids: BTreeSet<String> = dashboards().into_iter().map(|dashboard| dashboard.uid).collect();
    assert_eq!(files, uids.iter().map(|uid| format!("{uid}.json")).collect());
    assert_eq!(uids.len(), SHIPPED.len(), "a uid twice");
    let titles: BTreeSet<String> = dashboards().into_iter().map(|dashboard| dashboard.title).collect();
    assert_eq!(titles.len(), SHIPPED.len(), "a title twice");
}

#[test]
fn a_dashboard_is_what_grafana_13_writes_and_names_no_server() {
    for dashboard in dashboards() {
        let uid = &dashboard.uid;
        assert!(dashboard.id.is_none(), "{uid}: Grafana gives ids");
        assert_eq!(dashboard.schema_version, 42, "{uid}");
        assert_eq!(dashboard.tags, ["loadgate"], "{uid}: the links between them go by the tag");
        assert!(!dashboard.description.is_empty(), "{uid}");
        assert_eq!(dashboard.timezone, "browser", "{uid}");
        let [link] = &dashboard.links[..] else { panic!("{uid}: one link, to all of them") };
        assert!(link.include_vars && link.keep_time && link.tags == ["loadgate"], "{uid}: {link:?}");
    }
}

/// Formatted, keys in a fixed order: a change is read in a diff.
#[test]
fn the_files_are_as_serde_would_print_them() {
    for (shipped, document) in SHIPPED.into_iter().zip(documents()) {
        let printed = format!("{}\n", serde_json::to_string_pretty(&document).unwrap());
        let differs = printed.lines().zip(shipped.json.lines()).find(|(ours, theirs)| ours != theirs);
        assert!(printed == shipped.json, "{}: {differs:?}", shipped.uid);
        let first: Vec<&String> = document.as_object().unwrap().keys().take(3).collect();
        assert_eq!(first, ["id", "uid", "title"], "{}", shipped.uid);
    }
}

/// What is wrong with where the panels are.
pub(super) fn misplaced(panels: &[&Panel]) -> Vec<String> {
    let mut wrong = Vec::new();
    let ids: BTreeSet<u32> = panels.iter().map(|panel| panel.id).collect();
    if ids.len() < panels.len() {
        wrong.push("an id stands twice".to_owned());
    }
    for panel in panels {
        let at = panel.grid_pos;
        if at.w == 0 || at.h == 0 || at.x + at.w > COLUMNS {
            wrong.push(format!("{} is not within 24 columns", panel.title));
        }
    }
    let bottom = panels.iter().map(|panel| panel.grid_pos.y + panel.grid_pos.h).max().unwrap_or_default();
    for y in 0..bottom {
        for x in 0..COLUMNS {
            let covers = |panel: &&&Panel| {
                let at = panel.grid_pos;
                (at.x..at.x + at.w).contains(&x) && (at.y..at.y + at.h).contains(&y)
            };
            let count = panels.iter().filter(covers).count();
            if count != 1 {
                wrong.push(format!("{count} panels at column {x}, line {y}"));
            }
        }
    }
    wrong
}

#[test]
fn panels_fill_the_grid_without_gap_or_overlap() {
    for dashboard in dashboards() {
        let panels: Vec<&Panel> = dashboard.all_panels().collect();
        assert_eq!(misplaced(&panels), [""; 0], "{}", dashboard.uid);
    }
    let mut moved = dashboards().remove(0);
    moved.panels[1].grid_pos.x -= 1;
    moved.panels[2].id = 1;
    moved.panels[3].grid_pos.x = 22;
    let wrong = misplaced(&moved.all_panels().collect::<Vec<_>>()).join("\n");
    for said in ["an id stands twice", "2 panels at", "0 panels at", "is not within 24 columns"] {
        assert!(wrong.contains(said), "{said} is not in:\n{wrong}");
    }
}

/// At 1080 lines Grafana shows some 25 of the grid: whoever opens a dashboard in the night has the story there.
#[test]
fn what_matters_most_is_seen_without_scrolling() {
    let first =
        |uid: &str| -> Dashboard { dashboards().into_iter().find(|dashboard| dashboard.uid == uid).unwrap() };
    for (uid, titles) in [
        (
            "loadgate-slo",
            &["Verdict", "Gates", "How far to the limit", "Error budget left", "Backend loop"][..],
        ),
        ("loadgate-load", &["Request rate", "Requests", "Errors", "Response time"]),
        ("loadgate-websocket", &["Open connections", "Backend loop", "Connections", "First message"]),
        ("loadgate-events", &["Published", "Lost", "Events", "End to end", "Order"]),
        ("loadgate-target", &["Up", "Loop", "CPU", "Memory"]),
        ("loadgate-runs", &["Runs", "Passed", "Tests"]),
    ] {
        let dashboard = first(uid);
        for title in titles {
            let panel = dashboard.all_panels().find(|panel| panel.title == *title);
            let bottom = panel.map(|panel| panel.grid_pos.y + panel.grid_pos.h);
            assert!(bottom.is_some_and(|bottom| bottom <= 25), "{uid}: {title} ends at {bottom:?}");
        }
    }
}

/// A table's columns are renamed by name: what is named there must be what its queries answer.
#[test]
fn a_table_renames_and_overrides_only_columns_that_it_has() {
    for dashboard in documents() {
        for panel in dashboard["panels"].as_array().unwrap().iter().filter(|panel| panel["type"] == "table") {
            let place = format!("{}: {}", dashboard["uid"], panel["title"]);
            let targets = panel["targets"].as_array().unwrap();
            let values: Vec<String> = match targets.len() {
                1 => vec!["Value".to_owned()],
                _ => targets
                    .iter()
                    .map(|target| format!("Value #{}", target["refId"].as_str().unwrap()))
                    .collect(),
            };
            let organize = panel["transformations"].as_array().unwrap().last().unwrap();
            let named = |key: &str| organize["options"][key].as_object().unwrap();
            let renamed = named("renameByName");
            for value in &values {
                let known = renamed.contains_key(value) || named("excludeByName").contains_key(value);
                assert!(known, "{place}: the column {value} has no name");
            }
            let shown: Vec<&str> = renamed.values().map(|name| name.as_str().unwrap()).collect();
            for from in renamed.keys().filter(|name| name.starts_with("Value")) {
                assert!(values.contains(from), "{place}: there is no {from}");
            }
            for name in overridden(panel) {
                let is_there = shown.iter().any(|shown| name.is_match(shown));
                assert!(is_there, "{place}: nothing is called {name}");
            }
            for sorted in panel["options"]["sortBy"].as_array().unwrap() {
                let name = sorted["displayName"].as_str().unwrap();
                assert!(shown.contains(&name), "{place}: sorted by {name}");
            }
        }
    }
}

/// The patterns of the names whose series or columns are shown otherwise.
fn overridden(panel: &Value) -> Vec<Regex> {
    let overrides = panel["fieldConfig"]["overrides"].as_array().unwrap();
    let pattern = |one: &Value| {
        let name = one["matcher"]["options"].as_str().unwrap().to_owned();
        let by_name = one["matcher"]["id"] == "byName";
        let pattern =
            if by_name { format!("^{}$", regex::escape(&name)) } else { name.trim_matches('/').to_owned() };
        Regex::new(&pattern).unwrap()
    };
    overrides.iter().map(pattern).collect()
}

/// An override of a series goes by the name that a legend gives it.
#[test]
fn a_chart_overrides_only_series_that_it_has() {
    let label = Regex::new(r"\{\{\w+\}\}").unwrap();
    for dashboard in documents() {
        for panel in
            dashboard["panels"].as_array().unwrap().iter().filter(|panel| panel["type"] == "timeseries")
        {
            let targets = panel["targets"].as_array().unwrap().iter();
            let legends: Vec<&str> = targets.map(|target| target["legendFormat"].as_str().unwrap()).collect();
            for name in overridden(panel) {
                // What is a label alone may be anything.
                let may_be = |legend: &&str| {
                    label.replace_all(legend, "").is_empty() || name.is_match(&label.replace_all(legend, "x"))
                };
                assert!(
                    legends.iter().any(may_be),
                    "{}: {}: nothing is called {name}",
                    dashboard["uid"],
                    panel["title"]
                );
            }
        }
    }
}

//! Runbooks: one for each alert, with queries that can be asked and links that lead somewhere; and the reference's table.

use std::collections::BTreeSet;
use std::path::Path;

use loadgate::promql::Query;
use tempfile::TempDir;

use super::{alerts, annotation, files, gate, read, stem};
use crate::stage::promtool;

/// What a page at night must find.
const SECTIONS: [&str; 4] = ["## Look", "## Likely causes", "## What to do", "## Or is it the generator?"];

/// What stands between ```` ```promql ```` and its end; each line is a query.
pub(super) fn queries() -> Vec<(String, Query)> {
    let mut queries = Vec::new();
    for path in files("runbooks", "md") {
        let text = read(&path);
        for block in text.split("```promql\n").skip(1) {
            for line in block.split("```").next().unwrap().lines() {
                let place = format!("{}: {line}", stem(&path));
                let query = Query::parse(line).unwrap_or_else(|error| panic!("{place}: {}", error.message));
                queries.push((place, query));
            }
        }
    }
    queries
}

#[test]
fn each_alert_has_a_runbook_and_each_runbook_an_alert() {
    let books: BTreeSet<String> = files("runbooks", "md").iter().map(|path| stem(path)).collect();
    let names: BTreeSet<String> = alerts().into_iter().map(|(_, rule)| rule.name).collect();
    assert_eq!(books, names);
    for (file, rule) in alerts() {
        let path = annotation(&rule, "runbook_url");
        assert_eq!(path, format!("alerting/runbooks/{}.md", rule.name));
        let text = read(path);
        assert!(text.starts_with(&format!("# {}\n", rule.name)), "{path}");
        assert!(text.contains(&format!("Rule: `{file}.yml`")), "{path} does not name {file}.yml");
        for annotation_name in ["summary", "description"] {
            assert!(!annotation(&rule, annotation_name).is_empty());
        }
    }
}

#[test]
fn a_runbook_is_short_and_has_what_is_looked_for() {
    for path in files("runbooks", "md") {
        let text = read(&path);
        let name = stem(&path);
        assert!(text.lines().count() <= 45, "{name}: nobody reads that at night");
        assert!(text.contains("**What users feel:**"), "{name}");
        for section in SECTIONS {
            assert!(text.contains(section), "{name} has no {section}");
        }
        for link in text.split("](").skip(1).map(|rest| rest.split(')').next().unwrap()) {
            let file = link.split('#').next().unwrap();
            assert!(path.parent().unwrap().join(file).exists(), "{name}: {link} leads nowhere");
        }
    }
}

#[test]
fn promtool_accepts_every_query() {
    let rules = queries().into_iter().enumerate().map(|(number, (_, query))| {
        let text = query.text().replace('\'', "''");
        format!("  - {{record: 'query:number{number}', expr: '{text}'}}\n")
    });
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("queries.yml");
    let text = format!("groups:\n- name: runbooks\n  rules:\n{}", rules.collect::<String>());
    std::fs::write(&file, text).unwrap();
    let Some((code, said)) = promtool(&["check", "rules"], &file) else { return };
    assert_eq!(code, 0, "{said}");
}

/// alert, severity, gate and file, as the reference lists them.
#[test]
fn the_reference_lists_every_alert() {
    let reference = read("docs/reference.md");
    let (_, rest) = reference.split_once("<!-- begin: alerts -->\n").unwrap();
    let table = rest.split_once("<!-- end: alerts -->").unwrap().0;
    let rows = table.lines().filter(|line| line.starts_with("| [")).map(|line| {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [alert, _, severity, gate] = cells[..] else { panic!("not four cells: {line}") };
        (alert.to_owned(), severity.to_owned(), gate.to_owned())
    });
    let listed: BTreeSet<_> = rows.collect();
    let expected: BTreeSet<_> = alerts()
        .iter()
        .map(|(_, rule)| {
            let link = format!("[{0}](../alerting/runbooks/{0}.md)", rule.name);
            let aborts = if rule.label("abort") == Some("true") { ", ends the run" } else { "" };
            (link, rule.label("severity").unwrap().to_owned(), format!("{}{aborts}", gate(rule)))
        })
        .collect();
    assert_eq!(listed, expected);
    for (file, _) in alerts() {
        assert!(table.contains(&format!("`{file}.yml`")), "{file}.yml is not in the table");
        assert!(Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("alerting/rules/{file}.yml")).exists());
    }
}

//! The rules of grafana's dashboard-linter (<https://github.com/grafana/dashboard-linter>), as far as they are about
//! Prometheus, and two of our own; what is left out of a rule stands in a list, with the reason.

use std::time::Duration;

use loadgate::dashboard::Dashboard;
use loadgate::promql::Query;
use serde_json::Value;

use super::documents;
use super::expressions::{Asked, RANGE, RATE_INTERVAL, Selected, asked, selected, telling_scope, variables};

/// A dashboard: as it is written, and its expressions, filled in, as they parse.
pub(super) struct Linted {
    document: Value,
    expressions: Vec<(Asked, Option<Vec<Selected>>)>,
}

/// What a rule says of a dashboard: each finding begins with what it is about.
pub(super) type Rule = fn(&Linted) -> Vec<String>;

pub(super) const RULES: [(&str, Rule); 17] = [
    ("template-datasource", template_datasource),
    ("template-job", |board| template_of(board, "job", "Job")),
    ("template-instance", |board| template_of(board, "instance", "Instance")),
    ("template-label-promql", template_label_promql),
    ("template-on-time-change-reload", template_reload),
    ("panel-datasource", panel_datasource),
    ("panel-title-description", panel_title_description),
    ("panel-units", panel_units),
    ("panel-no-targets", panel_no_targets),
    ("target-promql", target_promql),
    ("target-rate-interval", target_rate_interval),
    ("target-job", |board| target_matches(board, "job")),
    ("target-instance", |board| target_matches(board, "instance")),
    ("target-counter-agg", target_counter_agg),
    ("uneditable-dashboard", uneditable),
    // Ours.
    ("target-testid", |board| target_matches(board, "testid")),
    ("no-percentile-of-percentiles", no_percentile_of_percentiles),
];

/// (rule, what a finding is about, dashboard or `*`, why): `*` at the end of the second stands for the rest of a name.
const EXCEPTIONS: [(&str, &str, &str, &str); 26] = [
    ("target-job", "kube_*", "loadgate-target", "of kube-state-metrics, whatever its job is called"),
    ("target-instance", "kube_*", "loadgate-target", "of kube-state-metrics, whatever its job is called"),
    ("target-testid", "kube_*", "loadgate-target", "a cluster knows nothing of runs"),
    ("target-job", "ALERTS", "*", "an alert has the labels of what it asks"),
    ("target-instance", "ALERTS", "*", "an alert has the labels of what it asks"),
    ("target-testid", "ALERTS", "*", "those of a target have none; they stand beside the run's"),
    ("target-job", "backend_*", "*", "the target's, not loadgate's: by $target, or the one that is there"),
    ("target-instance", "backend_*", "*", "the target's, not loadgate's"),
    ("target-testid", "backend_*", "*", "a target knows nothing of runs"),
    ("target-job", "process_*", "loadgate-target", "the target's: by $target"),
    ("target-instance", "process_*", "loadgate-target", "the target's: by $target"),
    ("target-testid", "process_*", "*", "of a process, which may have many runs"),
    ("target-job", "up", "loadgate-target", "the target's: by $target"),
    ("target-instance", "up", "loadgate-target", "the target's: by $target"),
    ("target-testid", "up", "loadgate-target", "a target knows nothing of runs"),
    ("target-job", "scrape_duration_seconds", "loadgate-target", "the target's: by $target"),
    ("target-instance", "scrape_duration_seconds", "loadgate-target", "the target's: by $target"),
    ("target-testid", "scrape_duration_seconds", "loadgate-target", "a target knows nothing of runs"),
    ("target-testid", "loadgate_build_info", "*", "of the process"),
    ("target-testid", "loadgate_last_*", "loadgate-runs", "of a test: the run may be long gone"),
    ("target-testid", "loadgate_runs_*", "loadgate-runs", "the daemon's own"),
    ("target-testid", "loadgate_schedule_*", "loadgate-runs", "the daemon's own"),
    ("target-testid", "loadgate_config_*", "loadgate-runs", "the daemon's own"),
    ("target-testid", "loadgate_notify_*", "loadgate-runs", "the daemon's own"),
    ("target-testid", "loadgate_store_*", "loadgate-runs", "of the store and the disk that all runs share"),
    ("target-counter-agg", "last_over_time", "*", "the total of a run: its counters begin at 0 with it"),
];

impl Linted {
    pub(super) fn new(document: Value) -> Self {
        // What is not of the subset has no expressions here; `shape.rs` finds it.
        let dashboard = serde_json::from_value::<Dashboard>(document.clone()).ok();
        let expressions = dashboard.iter().flat_map(|dashboard| {
            let scope = telling_scope(dashboard);
            asked(dashboard).into_iter().map(move |mut one| {
                one.text = scope.expression(&one.text);
                let selected = Query::parse(&one.text).ok().map(|query| selected(query.expr()));
                (one, selected)
            })
        });
        Linted { expressions: expressions.collect(), document }
    }
}

#[test]
fn no_rule_finds_anything_that_has_no_reason() {
    let mut used = [false; EXCEPTIONS.len()];
    let mut left = Vec::new();
    for document in documents() {
        let board = Linted::new(document);
        let uid = board.document["uid"].as_str().unwrap();
        for (name, rule) in RULES {
            for finding in rule(&board) {
                match excuse(name, &finding, uid) {
                    Some(number) => used[number] = true,
                    None => left.push(format!("{name}: {uid}: {finding}")),
                }
            }
        }
    }
    assert!(left.is_empty(), "{}", left.join("\n"));
    let unused: Vec<_> = EXCEPTIONS.iter().zip(used).filter(|(_, used)| !used).collect();
    assert!(unused.is_empty(), "nothing needs these: {unused:#?}");
}

fn excuse(rule: &str, finding: &str, uid: &str) -> Option<usize> {
    let subject = finding.split(':').next().unwrap();
    EXCEPTIONS.iter().position(|(of, about, dashboard, _)| {
        let alike = match about.strip_suffix('*') {
            Some(start) => subject.starts_with(start),
            None => subject == *about,
        };
        *of == rule && alike && (*dashboard == "*" || *dashboard == uid)
    })
}

fn list<'a>(document: &'a Value, path: &str) -> impl Iterator<Item = &'a Value> {
    document.pointer(path).and_then(Value::as_array).into_iter().flatten()
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

fn panels(document: &Value) -> impl Iterator<Item = &Value> {
    list(document, "/panels").filter(|panel| panel["type"] != "row" && panel["type"] != "text")
}

fn templates(document: &Value) -> impl Iterator<Item = &Value> {
    list(document, "/templating/list").filter(|variable| variable["type"] == "query")
}

fn template_datasource(board: &Linted) -> Vec<String> {
    let sources =
        list(&board.document, "/templating/list").filter(|variable| variable["type"] == "datasource");
    let alike = |source: &&Value| {
        text(source, "name") == "datasource"
            && text(source, "label") == "Data source"
            && text(source, "query") == "prometheus"
    };
    let right = sources.filter(alike).count() == 1;
    if right { Vec::new() } else { vec!["datasource: there is no variable for it".to_owned()] }
}

fn template_of(board: &Linted, name: &str, label: &str) -> Vec<String> {
    let Some(variable) = templates(&board.document).find(|variable| text(variable, "name") == name) else {
        return vec![format!("{name}: there is no variable for it")];
    };
    let mut wrong = Vec::new();
    if text(variable, "label") != label {
        wrong.push(format!("{name}: the label is not {label}"));
    }
    if variable["multi"] != true || variable["includeAll"] != true || text(variable, "allValue") != ".+" {
        wrong.push(format!("{name}: not several, with `.+` for all of them"));
    }
    wrong
}

fn template_label_promql(board: &Linted) -> Vec<String> {
    let is_right = |variable: &&Value| {
        let query = text(&variable["query"], "query");
        let inside = query.strip_prefix("label_values(").and_then(|rest| rest.strip_suffix(')'));
        inside.and_then(|inside| inside.rsplit_once(", ")).is_some_and(|(selector, _)| {
            text(variable, "definition") == query && Query::parse(&selector.replace('$', "")).is_ok()
        })
    };
    let wrong = templates(&board.document).filter(|variable| !is_right(variable));
    wrong.map(|variable| format!("{}: {}", text(variable, "name"), variable["query"])).collect()
}

fn template_reload(board: &Linted) -> Vec<String> {
    let wrong = templates(&board.document).filter(|variable| variable["refresh"] != 2);
    wrong.map(|variable| format!("{}: is not asked anew with the time", text(variable, "name"))).collect()
}

/// Of panels, their targets, variables and annotations.
fn panel_datasource(board: &Linted) -> Vec<String> {
    let targets = panels(&board.document).flat_map(|panel| list(panel, "/targets"));
    let askers = panels(&board.document)
        .chain(targets)
        .chain(templates(&board.document))
        .chain(list(&board.document, "/annotations/list"));
    let wrong = askers.filter(|asker| {
        asker["datasource"]["uid"] != "${datasource}" || asker["datasource"]["type"] != "prometheus"
    });
    let name = |asker: &Value| [text(asker, "title"), text(asker, "name"), text(asker, "refId")].concat();
    wrong.map(|asker| format!("{}: asks {}", name(asker), asker["datasource"])).collect()
}

fn panel_title_description(board: &Linted) -> Vec<String> {
    let wrong = panels(&board.document)
        .filter(|panel| text(panel, "title").is_empty() || !text(panel, "description").ends_with(['.', ')']));
    wrong.map(|panel| format!("{}: has no title, or no sentence that explains it", panel["title"])).collect()
}

/// Those that the page knows, of Grafana's.
const UNITS: [&str; 12] = [
    "none",
    "short",
    "s",
    "ms",
    "bytes",
    "Bps",
    "reqps",
    "ops",
    "hertz",
    "percent",
    "percentunit",
    "dateTimeAsIso",
];

fn panel_units(board: &Linted) -> Vec<String> {
    let unit = |panel: &Value| match text(panel, "type") {
        "heatmap" => panel.pointer("/options/yAxis/unit").cloned(),
        _ => panel.pointer("/fieldConfig/defaults/unit").cloned(),
    };
    let overridden = |panel: &Value| -> Vec<Value> {
        let properties = list(panel, "/fieldConfig/overrides").flat_map(|one| list(one, "/properties"));
        properties
            .filter(|property| property["id"] == "unit")
            .map(|property| property["value"].clone())
            .collect()
    };
    let known = |unit: &Value| unit.as_str().is_some_and(|unit| UNITS.contains(&unit));
    let wrong = panels(&board.document).filter(|panel| {
        !unit(panel).is_some_and(|unit| known(&unit)) || !overridden(panel).iter().all(known)
    });
    wrong.map(|panel| format!("{}: no unit, or one that is not known", text(panel, "title"))).collect()
}

fn panel_no_targets(board: &Linted) -> Vec<String> {
    let wrong = panels(&board.document).filter(|panel| list(panel, "/targets").count() == 0);
    wrong.map(|panel| format!("{}: asks nothing", text(panel, "title"))).collect()
}

fn target_promql(board: &Linted) -> Vec<String> {
    let wrong = board.expressions.iter().filter(|(_, selected)| selected.is_none());
    wrong.map(|(one, _)| format!("{}: {}", one.by, one.text)).collect()
}

/// Of those expressions that parse.
fn selectors(board: &Linted) -> impl Iterator<Item = (&Asked, &Selected)> {
    board
        .expressions
        .iter()
        .flat_map(|(one, selected)| selected.iter().flatten().map(move |selected| (one, selected)))
}

/// A rate over time is over `$__rate_interval`; what was counted in all that is shown, over `$__range`.
fn target_rate_interval(board: &Linted) -> Vec<String> {
    let allowed = |function: &str, window: Duration| match function {
        "rate" | "irate" => window == RATE_INTERVAL,
        "increase" | "last_over_time" => window == RATE_INTERVAL || window == RANGE,
        _ => window == RANGE,
    };
    let wrong = selectors(board).filter(|(_, selected)| {
        let function = selected.function.as_deref().unwrap_or_default();
        selected.window.is_some_and(|window| !allowed(function, window))
    });
    wrong.map(|(one, selected)| format!("{}: {}: {:?}", selected.name, one.by, selected.window)).collect()
}

/// Where the dashboard has the variable; annotations as panels.
fn target_matches(board: &Linted, label: &str) -> Vec<String> {
    let wanted = format!("chosen-{label}");
    let matches = |selected: &Selected| {
        selected
            .matchers
            .iter()
            .any(|matcher| matcher.name == label && matcher.value == wanted && matcher.op.to_string() == "=~")
    };
    let wrong = selectors(board).filter(|(_, selected)| !matches(selected));
    wrong.map(|(one, selected)| format!("{}: {}: no {label}=~\"${label}\"", selected.name, one.by)).collect()
}

/// A counter by itself says nothing: how fast it grows does.
fn target_counter_agg(board: &Linted) -> Vec<String> {
    let is_counter =
        |name: &str| name.ends_with("_total") || name.ends_with("_bucket") || name.ends_with("_count");
    let wrong = selectors(board).filter(|(_, selected)| {
        is_counter(&selected.name)
            && !matches!(selected.function.as_deref(), Some("rate" | "irate" | "increase"))
    });
    wrong
        .map(|(one, selected)| {
            format!("{}: {}: {}", selected.function.as_deref().unwrap_or("nothing"), selected.name, one.by)
        })
        .collect()
}

fn uneditable(board: &Linted) -> Vec<String> {
    if board.document["editable"] == false { Vec::new() } else { vec!["editable: not false".to_owned()] }
}

/// A percentile that was made elsewhere cannot be added up, nor averaged.
fn no_percentile_of_percentiles(board: &Linted) -> Vec<String> {
    const STATISTICS: [&str; 5] = ["_p90", "_p95", "_p99", "_med", "_avg"];
    let made = |name: &str| name.starts_with("k6_") && STATISTICS.iter().any(|suffix| name.ends_with(suffix));
    let wrong = selectors(board).filter(|(_, selected)| made(&selected.name));
    wrong.map(|(one, selected)| format!("{}: {}", selected.name, one.by)).collect()
}

/// The chain of pickers: each narrows the next.
#[test]
fn a_picker_is_narrowed_by_those_before_it() {
    for document in documents() {
        let dashboard: Dashboard = serde_json::from_value(document).unwrap();
        let mut before: Vec<String> = Vec::new();
        for (name, selector, label) in variables(&dashboard) {
            for earlier in before.iter().filter(|_| name != "target") {
                let narrowed = selector.contains(&format!("{earlier}=~\"${earlier}\""));
                assert!(narrowed, "{}: ${name} does not go by ${earlier}", dashboard.uid);
            }
            assert!(label == name || name == "target", "{}: ${name} is the label {label}", dashboard.uid);
            before.push(name);
        }
        assert!(before.len() >= 4, "{}: {before:?}", dashboard.uid);
    }
}

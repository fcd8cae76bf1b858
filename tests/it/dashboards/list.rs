//! The list of expressions, how Grafana fills in their variables, and that the list is what the dashboards ask.

use std::path::{Path, PathBuf};

use regex::Regex;
use serde_json::Value;

use crate::stage::Prometheus;

/// Facts about the dashboards, so that the test runs without them.
pub(super) const EXPRESSIONS: &str = include_str!("expressions.txt");

#[derive(Debug, PartialEq)]
pub(super) struct Dashboard {
    pub(super) name: String,
    variables: Vec<Variable>,
    expressions: Vec<String>,
}

/// `query` is `label_values(LABEL)`, `metrics(REGEX)` or a text box's value; `regex` filters and captures.
#[derive(Debug, PartialEq)]
struct Variable {
    name: String,
    query: String,
    regex: String,
}

impl Dashboard {
    /// Those of the list.
    pub(super) fn all(list: &str) -> Vec<Dashboard> {
        let mut dashboards: Vec<Dashboard> = Vec::new();
        for line in list.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            if let Some(name) = line.strip_prefix("dashboard ") {
                let name = name.to_owned();
                dashboards.push(Dashboard { name, variables: Vec::new(), expressions: Vec::new() });
                continue;
            }
            let dashboard = dashboards.last_mut().unwrap();
            match line.strip_prefix("variable ") {
                Some(variable) => dashboard.variables.push(Variable::of_line(variable)),
                None => dashboard.expressions.push(line.to_owned()),
            }
        }
        dashboards
    }

    /// One as Grafana's JSON. An ad hoc filter adds nothing until somebody chooses one, and the data source
    /// is not part of an expression.
    fn of_json(name: &str, json: &Value) -> Dashboard {
        let variables = json["templating"]["list"].as_array().unwrap();
        let asked = |variable: &&Value| matches!(variable["type"].as_str(), Some("query" | "textbox"));
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let variable = |variable: &Value| {
            let query = &variable["query"];
            Variable {
                name: text(&variable["name"]),
                query: text(if query.is_object() { &query["query"] } else { query }),
                regex: text(&variable["regex"]),
            }
        };
        let mut expressions = Vec::new();
        collect(&json["panels"], &mut expressions);
        Dashboard {
            name: name.to_owned(),
            variables: variables.iter().filter(asked).map(variable).collect(),
            expressions,
        }
    }

    /// (as written, filled in): each expression with every value of its variables. Empty where a variable
    /// has no value.
    pub(super) fn expanded(
        &self,
        prometheus: &Prometheus,
        scrape_interval_secs: u64,
    ) -> Vec<(String, String)> {
        // As Grafana at this step: four scrapes, so that `rate` always has two of them.
        let interval = ("__rate_interval".to_owned(), vec![format!("{}s", 4 * scrape_interval_secs)]);
        let mut variables: Vec<(String, Vec<String>)> = self
            .variables
            .iter()
            .map(|variable| (variable.name.clone(), variable.values(prometheus)))
            .chain([interval])
            .collect();
        // The longer name first: `$quantile` is the beginning of `$quantile_stat`.
        variables.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
        let mut expanded: Vec<(String, String)> =
            self.expressions.iter().map(|written| (written.clone(), written.clone())).collect();
        for (name, values) in &variables {
            let place = format!("${name}");
            expanded = expanded
                .into_iter()
                .flat_map(|(written, text)| {
                    let with = |value: &String| (written.clone(), text.replace(&place, value));
                    if text.contains(&place) {
                        values.iter().map(with).collect()
                    } else {
                        vec![(written, text)]
                    }
                })
                .collect();
        }
        let complete = variables.iter().all(|(_, values)| !values.is_empty());
        if complete { expanded } else { Vec::new() }
    }
}

/// Each different expression, in order, rows' panels included.
fn collect(panels: &Value, expressions: &mut Vec<String>) {
    for panel in panels.as_array().into_iter().flatten() {
        for target in panel["targets"].as_array().into_iter().flatten() {
            if let Some(expression) = target["expr"].as_str()
                && !expressions.iter().any(|known| known == expression)
            {
                expressions.push(expression.to_owned());
            }
        }
        collect(&panel["panels"], expressions);
    }
}

impl Variable {
    fn of_line(line: &str) -> Variable {
        let mut words = line.split(' ').map(str::to_owned);
        let mut word = || words.next().unwrap_or_default();
        Variable { name: word(), query: word(), regex: word() }
    }

    /// What Grafana would offer. `All` of a label's values, which is the default, is one regex of them all.
    fn values(&self, prometheus: &Prometheus) -> Vec<String> {
        let argument = |function: &str| self.query.strip_prefix(function)?.strip_suffix(')');
        if let Some(label) = argument("label_values(") {
            let values = prometheus.list(&format!("label/{label}/values"));
            let all: Vec<String> = values.iter().map(|value| regex::escape(value)).collect();
            return if all.is_empty() {
                all
            } else {
                vec![format!("({})", all.join("|")).replace('\\', "\\\\")]
            };
        }
        let Some(pattern) = argument("metrics(") else { return vec![self.query.clone()] };
        let asked = Regex::new(pattern).unwrap();
        let captured = Regex::new(self.regex.trim_start_matches('/').trim_end_matches("/g")).unwrap();
        let mut values: Vec<String> = prometheus
            .list("label/__name__/values")
            .iter()
            .filter(|name| asked.is_match(name))
            .filter_map(|name| Some(captured.captures(name)?[1].to_owned()))
            .collect();
        values.dedup();
        values
    }
}

/// `DASHBOARDS_DIR`, or a folder beside the project.
fn folder() -> PathBuf {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/k6-dashboards");
    std::env::var_os("DASHBOARDS_DIR").map_or_else(beside, PathBuf::from)
}

#[test]
fn the_list_of_expressions_is_what_the_dashboards_ask() {
    for listed in Dashboard::all(EXPRESSIONS) {
        let file = folder().join(&listed.name);
        let Ok(text) = std::fs::read(&file) else {
            println!("skipped: no {} (DASHBOARDS_DIR names the folder of k6's dashboards)", file.display());
            continue;
        };
        assert_eq!(listed, Dashboard::of_json(&listed.name, &serde_json::from_slice(&text).unwrap()));
    }
}

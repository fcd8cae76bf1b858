//! The expressions of the dashboards, filled in: promtool and loadgate parse them all.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::time::Duration;

use loadgate::dashboard::{Chosen, Dashboard, Scope, Variable};
use loadgate::promql::Query;
use promql_parser::label::Matcher;
use promql_parser::parser::{Expr, VectorSelector};
use tempfile::TempDir;

use super::dashboards;
use crate::stage::promtool;

/// An expression, and where it stands.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) dashboard: String,
    /// A panel's title and the letter of its query, or what else asks.
    pub(super) by: String,
    pub(super) text: String,
    pub(super) instant: bool,
}

impl Display for Asked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}, {}: {}", self.dashboard, self.by, self.text)
    }
}

/// All expressions as they are written: of panels and annotations.
pub(super) fn asked(dashboard: &Dashboard) -> Vec<Asked> {
    let asked = |by: String, text: &str, instant| Asked {
        dashboard: dashboard.uid.clone(),
        by,
        text: text.to_owned(),
        instant,
    };
    let panels =
        dashboard.all_panels().flat_map(|panel| panel.targets.iter().map(move |target| (panel, target)));
    let annotations = &dashboard.annotations.list;
    panels
        .map(|(panel, target)| {
            asked(format!("{}, {}", panel.title, target.ref_id), &target.expr, target.instant)
        })
        .chain(annotations.iter().map(|annotation| asked(annotation.name.clone(), &annotation.expr, false)))
        .collect()
}

/// (name, selector, label) of each variable that is asked: `label_values(selector, label)`.
pub(super) fn variables(dashboard: &Dashboard) -> Vec<(String, String, String)> {
    let variables = dashboard.templating.list.iter().filter_map(|variable| match variable {
        Variable::Query { name, query, .. } => Some((name, &query.query)),
        Variable::Datasource { .. } => None,
    });
    variables
        .map(|(name, query)| {
            let inside =
                query.strip_prefix("label_values(").and_then(|query| query.strip_suffix(')')).unwrap();
            let (selector, label) = inside.rsplit_once(", ").unwrap();
            (name.clone(), selector.to_owned(), label.to_owned())
        })
        .collect()
}

pub(super) const RATE_INTERVAL: Duration = Duration::from_secs(7_777);
pub(super) const RANGE: Duration = Duration::from_secs(5_555);

/// Values and windows that are found again in what is made of them.
pub(super) fn telling_scope(dashboard: &Dashboard) -> Scope {
    let values = variables(dashboard).into_iter().map(|(name, ..)| {
        let value = format!("chosen-{name}");
        (name, Chosen::Values(vec![value]))
    });
    Scope {
        variables: values.collect::<BTreeMap<_, _>>(),
        step: RATE_INTERVAL - Duration::from_secs(1),
        scrape_interval: Duration::from_secs(1),
        range: RANGE,
    }
}

/// A selector in an expression, and what stands around it.
#[derive(Debug)]
pub(super) struct Selected {
    pub(super) name: String,
    pub(super) matchers: Vec<Matcher>,
    /// Of `x[5m]`.
    pub(super) window: Option<Duration>,
    /// The function around the window.
    pub(super) function: Option<String>,
}

/// All selectors of an expression. A name that is matched by a pattern stands for each of its branches.
pub(super) fn selected(expression: &Expr) -> Vec<Selected> {
    let mut found = Vec::new();
    collect(expression, None, &mut found);
    found
}

fn collect(expression: &Expr, function: Option<&str>, found: &mut Vec<Selected>) {
    match expression {
        Expr::Aggregate(aggregate) => {
            collect(&aggregate.expr, None, found);
            if let Some(parameter) = &aggregate.param {
                collect(parameter, None, found);
            }
        }
        Expr::Unary(unary) => collect(&unary.expr, None, found),
        Expr::Binary(binary) => {
            collect(&binary.lhs, None, found);
            collect(&binary.rhs, None, found);
        }
        Expr::Paren(paren) => collect(&paren.expr, function, found),
        Expr::Subquery(subquery) => collect(&subquery.expr, None, found),
        Expr::Call(call) => {
            for argument in &call.args.args {
                collect(argument, Some(call.func.name), found);
            }
        }
        Expr::VectorSelector(selector) => keep(selector, None, None, found),
        Expr::MatrixSelector(matrix) => keep(&matrix.vs, Some(matrix.range), function, found),
        Expr::NumberLiteral(_) | Expr::StringLiteral(_) | Expr::Extension(_) => {}
    }
}

fn keep(
    selector: &VectorSelector,
    window: Option<Duration>,
    function: Option<&str>,
    found: &mut Vec<Selected>,
) {
    let matchers = selector.matchers.matchers.clone();
    let of_pattern = || {
        let matcher = matchers.iter().find(|matcher| matcher.name == "__name__")?;
        Some(matcher.value.split('|').map(str::to_owned).collect())
    };
    let names: Vec<String> = match &selector.name {
        Some(name) => vec![name.clone()],
        None => of_pattern().unwrap_or_else(|| panic!("a selector without a name: {selector}")),
    };
    found.extend(names.into_iter().map(|name| Selected {
        name,
        matchers: matchers.clone(),
        window,
        function: function.map(str::to_owned),
    }));
}

/// Everything that is asked, filled in, and what variables select.
fn filled() -> Vec<Asked> {
    let of = |dashboard: &Dashboard| {
        let scope = telling_scope(dashboard);
        let mut all = asked(dashboard);
        for (name, selector, _) in variables(dashboard) {
            all.push(Asked {
                dashboard: dashboard.uid.clone(),
                by: format!("${name}"),
                text: selector,
                instant: true,
            });
        }
        for one in &mut all {
            one.text = scope.expression(&one.text);
        }
        all
    };
    dashboards().iter().flat_map(of).collect()
}

#[test]
fn loadgate_parses_every_expression_and_nothing_is_left_to_fill_in() {
    let all = filled();
    assert!(all.len() > 150, "only {} expressions", all.len());
    for one in all {
        Query::parse(&one.text).unwrap_or_else(|error| panic!("{one}\n{}", error.message));
        // `$1` is label_replace's.
        assert!(!one.text.replace("$1", "").contains('$'), "{one}");
    }
}

#[test]
fn promtool_parses_every_expression() {
    let rule = |(number, one): (usize, Asked)| {
        format!("  - {{record: 'query:number{number}', expr: {}}}\n", serde_json::Value::from(one.text))
    };
    let rules: String = filled().into_iter().enumerate().map(rule).collect();
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("queries.yml");
    let check = |rules: &str| {
        std::fs::write(&file, format!("groups:\n- name: dashboards\n  rules:\n{rules}")).unwrap();
        promtool(&["check", "rules"], &file)
    };
    let Some((code, said)) = check(&rules) else { return };
    assert_eq!(code, 0, "{said}");
    let (code, _) = check(&rules.replacen("sum(", "sum((", 1)).unwrap();
    assert_ne!(code, 0, "promtool takes anything");
}

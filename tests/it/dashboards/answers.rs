//! After a real run every question of every dashboard is answered, by a Prometheus that scraped it and by the daemon's own
//! query API.

mod plan;

use std::net::SocketAddr;

use loadgate::dashboard::{Chosen, Dashboard, Scope};
use serde_json::Value;
use tempfile::TempDir;

use super::expressions::{Asked, asked, variables};
use super::{dashboards, now, wait_until};
use crate::stage::{Daemon, HttpServer, Prometheus, demo_target, exchange, reply, write_config};

/// (dashboard, panel and query, why it may find nothing). The demo target and the plan show all that they can.
const EMPTY: [(&str, &str, &str); 1] =
    [("loadgate-target", "Descriptors, B", "the demo target does not export process_max_fds")];

/// Of the store of a daemon.
const EMPTY_IN_THE_STORE: [(&str, &str, &str); 0] = [];

/// Who is asked: Prometheus' query API at an address.
struct Source {
    name: &'static str,
    address: SocketAddr,
    /// When the run began, in seconds.
    start: f64,
}

impl Source {
    fn ask(&self, path: &str, parameters: &[(&str, &str)]) -> Value {
        let form = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
        let answer = exchange(self.address, "GET", &format!("/api/v1/{path}?{form}"), "", "");
        assert_eq!(answer.status, 200, "{}: {parameters:?}: {}", self.name, answer.text());
        answer.json()["data"].take()
    }

    /// How many numbers a query gives.
    fn numbers(&self, query: &Asked, end: f64) -> usize {
        let (start, end) = (self.start.to_string(), end.to_string());
        let data = if query.instant {
            self.ask("query", &[("query", &query.text), ("time", &end)])
        } else {
            self.ask(
                "query_range",
                &[("query", &query.text), ("start", &start), ("end", &end), ("step", "1")],
            )
        };
        let series = data["result"].as_array().unwrap().iter();
        let points = series.flat_map(|one| match one["values"].as_array() {
            Some(values) => values.clone(),
            None => vec![one["value"].clone()],
        });
        points.filter(|point| point[1].as_str() != Some("NaN")).count()
    }

    /// As a picker does it, one after the other: each is narrowed by those before it, and all its values are chosen.
    fn scope(&self, dashboard: &Dashboard, end: f64) -> Scope {
        let second = std::time::Duration::from_secs(1);
        let range = std::time::Duration::from_secs_f64((end - self.start).ceil());
        let mut scope = Scope { variables: Default::default(), step: second, scrape_interval: second, range };
        for (name, selector, label) in variables(dashboard) {
            let selector = scope.expression(&selector);
            let (start, end) = (self.start.to_string(), end.to_string());
            let parameters = [("match[]", &*selector), ("start", &start), ("end", &end)];
            let found = self.ask(&format!("label/{label}/values"), &parameters);
            let found = found.as_array().unwrap().iter().map(|value| value.as_str().unwrap().to_owned());
            scope.variables.insert(name, Chosen::Values(found.collect()));
        }
        scope
    }

    /// What finds nothing and is not excused, and what is excused and finds something.
    fn unanswered(&self, end: f64, excused: &[(&str, &str, &str)]) -> Vec<String> {
        let mut wrong = Vec::new();
        for dashboard in dashboards() {
            let scope = self.scope(&dashboard, end);
            for (name, chosen) in &scope.variables {
                if *chosen == Chosen::Values(Vec::new()) {
                    wrong.push(format!("{}: ${name} has no value", dashboard.uid));
                }
            }
            for mut query in asked(&dashboard) {
                query.text = scope.expression(&query.text);
                let is_excused =
                    excused.iter().any(|(uid, by, _)| *uid == query.dashboard && *by == query.by);
                if (self.numbers(&query, end) == 0) != is_excused {
                    wrong.push(query.to_string());
                }
            }
        }
        wrong
    }

    fn answers_all(&self, end: f64, excused: &[(&str, &str, &str)]) {
        let unanswered = || self.unanswered(end.max(now()), excused);
        wait_until(&|| format!("{}:\n{}", self.name, unanswered().join("\n")), || unanswered().is_empty());
    }
}

#[test]
fn every_question_is_answered_by_a_prometheus_and_by_the_daemon() {
    let target = demo_target(&["errors=0.2"]);
    let alertmanager = HttpServer::start(|_| async { reply(200, "") });
    let folder = TempDir::new().unwrap();
    plan::write(&folder, &target);
    let config = format!(
        "alertmanager: {{urls: ['{}']}}\nschedules: [{{plan: boards, cron: '0 3 1 1 *', timezone: UTC}}]\n",
        alertmanager.url()
    );
    write_config(&folder, &config);
    let daemon = Daemon::on(folder, None);
    let jobs = [("loadgate", daemon.address), ("backend", target.address)];
    let Some(prometheus) = Prometheus::evaluating(plan::RULES, &jobs) else { return };

    let start = now().floor();
    let run = daemon.submit("boards");
    daemon.wait(&run, "running");
    let finished = daemon.wait(&run, "finished");
    assert_eq!(finished["verdict"], "failed", "{finished}");
    prometheus.wait_for(r#"loadgate_verdict{verdict="failed"} == 1"#);

    let store = Source { name: "the daemon", address: daemon.address, start };
    let prometheus = Source { name: "Prometheus", address: prometheus.address, start };
    let nothing = Asked {
        dashboard: String::new(),
        by: String::new(),
        text: "k6_no_such_metric".to_owned(),
        instant: false,
    };
    for source in [&store, &prometheus] {
        assert_eq!(source.numbers(&nothing, now()), 0, "then every question is answered");
    }
    store.answers_all(now(), &[&EMPTY[..], &EMPTY_IN_THE_STORE[..]].concat());
    prometheus.answers_all(now(), &EMPTY);
}

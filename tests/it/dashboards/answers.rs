//! After a real run every question of every dashboard is answered, by a Prometheus that scraped it and by the daemon's own
//! query API.

mod plan;

use std::fs;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use loadgate::dashboard::{Chosen, Dashboard, Scope};
use serde_json::Value;
use tempfile::TempDir;

use super::expressions::{Asked, asked, variables};
use super::{dashboards, now};
use crate::stage::{
    Daemon, HttpServer, Nats, Prometheus, RabbitMq, demo_with_grpc, exchange, reply, write_config,
};

/// (dashboard, panel and query, why it may find nothing). The demo target and the plan show all that they can.
const EMPTY: [(&str, &str, &str); 3] = [
    ("loadgate-target", "Descriptors, B", "the demo target does not export process_max_fds"),
    ("loadgate-target", "Replicas, A", "there is no kube-state-metrics"),
    ("loadgate-target", "Replicas, B", "there is no kube-state-metrics"),
];

/// For what is scraped and evaluated only after the run.
const PATIENCE: Duration = Duration::from_secs(20);

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
        let second = Duration::from_secs(1);
        let range = Duration::from_secs_f64((end - self.start).ceil());
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

    /// Until each question has found a number; what is excused must find none.
    ///
    /// # Panics
    /// When one has not within its time.
    fn answers_all(&self, excused: &[(&str, &str, &str)]) {
        for dashboard in dashboards() {
            let is_excused =
                |query: &Asked| excused.iter().any(|(uid, by, _)| *uid == query.dashboard && *by == query.by);
            let (empty, mut left): (Vec<Asked>, Vec<Asked>) =
                asked(&dashboard).into_iter().partition(is_excused);
            let finds = |scope: &Scope, query: &Asked, end| {
                let query = Asked { text: scope.expression(&query.text), ..query.clone() };
                self.numbers(&query, end) > 0
            };
            let patience = Instant::now() + PATIENCE;
            loop {
                let end = now();
                let scope = self.scope(&dashboard, end);
                left.retain(|query| !finds(&scope, query, end));
                let unset = scope.variables.iter().find(|(_, chosen)| **chosen == Chosen::Values(Vec::new()));
                match (unset, left.is_empty()) {
                    (None, true) => break,
                    (Some((name, _)), _) => {
                        println!("{}: {}: ${name} has no value yet", self.name, dashboard.uid)
                    }
                    (None, false) => {}
                }
                let said = || left.iter().map(Asked::to_string).collect::<Vec<_>>().join("\n");
                assert!(Instant::now() < patience, "{} finds nothing for:\n{}", self.name, said());
                std::thread::sleep(Duration::from_millis(200));
            }
            let (end, scope) = (now(), self.scope(&dashboard, now()));
            for query in &empty {
                assert!(!finds(&scope, query, end), "{} answers, and needs no excuse: {query}", self.name);
            }
        }
    }
}

#[test]
fn every_question_is_answered_by_a_prometheus_and_by_the_daemon() {
    let Some(nats) = Nats::start() else { return };
    let Some(rabbitmq) = RabbitMq::start() else { return };
    let (target, grpc) = demo_with_grpc(&["errors=0.2"]);
    let alertmanager = HttpServer::start(|_| async { reply(200, "") });
    let folder = TempDir::new().unwrap();
    plan::write(&folder, &target, &grpc, &nats, &rabbitmq);
    let config = format!(
        "alertmanager: {{urls: ['{}']}}\nschedules: [{{plan: boards, cron: '0 3 1 1 *', timezone: UTC}}]\n",
        alertmanager.url()
    );
    write_config(&folder, &config);
    // The daemon's own, as that Prometheus has it: what a plan's rules wrote ends with its run.
    let file = folder.path().join("loadgate.yml");
    let config = fs::read_to_string(&file).unwrap();
    fs::write(&file, config.replace("rule_files: []", "rule_files: [rules/failing.yml]")).unwrap();
    let daemon = Daemon::on(folder, None);
    let jobs = [("loadgate", daemon.address), ("backend", target.address)];
    let Some(prometheus) = Prometheus::evaluating(plan::RULES, &jobs) else { return };

    let start = now().floor();
    let quiet = daemon.submit("quiet");
    let run = daemon.submit("boards");
    assert_eq!(daemon.wait(&quiet, "finished")["verdict"], "passed");
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
    store.answers_all(&EMPTY);
    prometheus.answers_all(&EMPTY);
}

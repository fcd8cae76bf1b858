//! Each rule of the linter finds what is broken on purpose.

use serde_json::{Value, json};

use super::documents;
use super::lint::{Linted, RULES};

/// A rule, and what breaks it.
type Breakage = (&'static str, fn(&mut Value));

const BROKEN: [Breakage; 25] = [
    ("template-datasource", |one| one["templating"]["list"][0]["label"] = json!("Prometheus")),
    ("template-datasource", |one| drop(one["templating"]["list"].as_array_mut().unwrap().remove(0))),
    ("template-job", |one| one["templating"]["list"][1]["multi"] = json!(false)),
    ("template-job", |one| one["templating"]["list"][1]["name"] = json!("jobs")),
    ("template-instance", |one| one["templating"]["list"][2]["allValue"] = json!("")),
    ("template-instance", |one| one["templating"]["list"][2]["label"] = json!("Where")),
    ("template-label-promql", |one| {
        one["templating"]["list"][3]["query"]["query"] = json!("label_values(a{, b)")
    }),
    ("template-label-promql", |one| one["templating"]["list"][3]["definition"] = json!("")),
    ("template-on-time-change-reload", |one| one["templating"]["list"][4]["refresh"] = json!(1)),
    ("panel-datasource", |one| one["panels"][0]["datasource"]["uid"] = json!("prometheus")),
    ("panel-datasource", |one| one["panels"][0]["targets"][0]["datasource"]["uid"] = json!("prometheus")),
    ("panel-datasource", |one| one["annotations"]["list"][0]["datasource"]["uid"] = json!("-- Grafana --")),
    ("panel-title-description", |one| one["panels"][0]["description"] = json!("")),
    ("panel-title-description", |one| one["panels"][0]["title"] = json!("")),
    ("panel-units", |one| one["panels"][0]["fieldConfig"]["defaults"]["unit"] = json!("furlongs")),
    ("panel-no-targets", |one| one["panels"][0]["targets"] = json!([])),
    ("target-promql", |one| ask(one, "sum(")),
    ("target-rate-interval", |one| ask(one, "sum(rate(k6_http_reqs_total[5m]))")),
    ("target-rate-interval", |one| ask(one, "max_over_time(k6_vus[$__rate_interval])")),
    ("target-job", |one| ask(one, r#"k6_vus{job="loadgate"}"#)),
    ("target-instance", |one| ask(one, r#"k6_vus{instance!~"$instance"}"#)),
    ("target-counter-agg", |one| ask(one, "sum(k6_http_reqs_total)")),
    ("uneditable-dashboard", |one| one["editable"] = json!(true)),
    ("target-testid", |one| ask(one, r#"k6_vus{job=~"$job", instance=~"$instance"}"#)),
    ("no-percentile-of-percentiles", |one| ask(one, "avg(k6_http_req_duration_p99)")),
];

fn ask(document: &mut Value, expression: &str) {
    document["panels"][0]["targets"][0]["expr"] = json!(expression);
}

#[test]
fn each_rule_finds_what_is_broken() {
    for (name, breakage) in BROKEN {
        let (_, rule) = RULES.into_iter().find(|(known, _)| *known == name).unwrap();
        let mut document = documents().remove(1);
        document["panels"].as_array_mut().unwrap().truncate(1);
        let before = rule(&Linted::new(document.clone()));
        breakage(&mut document);
        let after = rule(&Linted::new(document));
        let new = after.iter().filter(|finding| !before.contains(finding)).count();
        assert!(new > 0, "{name} finds nothing new: {after:?}");
    }
    for (name, _) in RULES {
        assert!(BROKEN.iter().any(|(broken, _)| *broken == name), "{name} is never broken");
    }
}

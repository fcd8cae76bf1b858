//! Prometheus, Alertmanager and Grafana: whether they are there, and Prometheus knows what it should.

use serde_json::Value as Json;
use url::Url;

use super::ask::{Answer, service};
use super::finding::Finding;
use crate::notify::shown_url;
use crate::plan::Plan;

const PROMETHEUS: &str = "prometheus";
const ALERTMANAGER: &str = "alertmanager";
const GRAFANA: &str = "grafana";

pub(super) async fn prometheus(base: &Url, plan: Option<&Plan>) -> Vec<Finding> {
    let shown = shown_url(base);
    let mend = "docker compose --profile monitoring up -d, or prometheus --config.file=prometheus.yml";
    if let Some(finding) = absent(PROMETHEUS, &shown, service(base, "/-/ready").await, mend) {
        return vec![finding];
    }
    let mut findings = vec![Finding::ok(PROMETHEUS, format!("{shown} is ready"))];
    match json(service(base, "/api/v1/targets?state=active").await) {
        Ok(targets) => findings.push(scrapes_us(&targets)),
        Err(why) => findings.push(Finding::warning(PROMETHEUS, why, format!("open {shown}targets"))),
    }
    let wanted: Vec<&str> = plan
        .iter()
        .flat_map(|plan| &plan.rule_files)
        .flat_map(|file| &file.groups)
        .flat_map(|group| &group.rules)
        .filter(|rule| rule.is_alert())
        .map(|rule| rule.name.as_str())
        .collect();
    if !wanted.is_empty() {
        match json(service(base, "/api/v1/rules").await) {
            Ok(rules) => findings.push(has_rules(&rules, &wanted)),
            Err(why) => findings.push(Finding::warning(PROMETHEUS, why, format!("open {shown}rules"))),
        }
    }
    findings
}

pub(super) async fn alertmanager(base: &Url) -> Finding {
    let shown = shown_url(base);
    let mend = "docker compose --profile monitoring up -d, or alertmanager --config.file=alertmanager.yml";
    absent(ALERTMANAGER, &shown, service(base, "/-/ready").await, mend)
        .unwrap_or_else(|| Finding::ok(ALERTMANAGER, format!("{shown} is ready")))
}

pub(super) async fn grafana(base: &Url) -> Finding {
    let shown = shown_url(base);
    let mend = "docker compose --profile monitoring up -d grafana; docker compose logs grafana";
    let answer = service(base, "/api/health").await;
    let database = answer.as_ref().ok().and_then(|answer| serde_json::from_slice::<Json>(&answer.body).ok());
    let database =
        database.as_ref().and_then(|health| health["database"].as_str()).unwrap_or_default().to_owned();
    match absent(GRAFANA, &shown, answer, mend) {
        Some(finding) => finding,
        None if database == "ok" => Finding::ok(GRAFANA, format!("{shown} is healthy")),
        None => {
            Finding::problem(GRAFANA, format!("{shown} answers, but not as Grafana does that is well"), mend)
        }
    }
}

fn absent(check: &'static str, shown: &str, answer: Result<Answer, String>, mend: &str) -> Option<Finding> {
    match answer {
        Ok(answer) if answer.status == 200 => None,
        Ok(answer) => {
            Some(Finding::problem(check, format!("{shown} is not ready: status {}", answer.status), mend))
        }
        Err(why) => Some(Finding::problem(check, format!("{shown} does not answer: {why}"), mend)),
    }
}

fn json(answer: Result<Answer, String>) -> Result<Json, String> {
    let answer = answer?;
    serde_json::from_slice(&answer.body)
        .map_err(|_| format!("what answers with status {} is no Prometheus", answer.status))
}

fn scrapes_us(targets: &Json) -> Finding {
    let active = targets["data"]["activeTargets"].as_array().map(Vec::as_slice).unwrap_or_default();
    let is_ours = |target: &&Json| {
        let text = |value: &Json| value.as_str().unwrap_or_default().to_owned();
        text(&target["labels"]["job"]).contains("loadgate") || text(&target["scrapeUrl"]).contains(":5665/")
    };
    let mend = "in prometheus.yml: scrape_configs: [{job_name: loadgate, scrape_interval: 1s, \
                static_configs: [{targets: ['localhost:5665']}]}]";
    match active.iter().find(is_ours) {
        None => Finding::problem(
            PROMETHEUS,
            "it does not scrape loadgate: it has neither a job `loadgate` nor port 5665",
            mend,
        ),
        Some(target) if target["health"] == "down" => {
            let why = target["lastError"].as_str().unwrap_or_default();
            Finding::warning(
                PROMETHEUS,
                format!("its scrape of loadgate failed last: {why}"),
                "start loadgate (`loadgate serve`, `loadgate run --listen 127.0.0.1:5665`), or mend the address",
            )
        }
        Some(_) => Finding::ok(PROMETHEUS, "it scrapes loadgate"),
    }
}

fn has_rules(rules: &Json, wanted: &[&str]) -> Finding {
    let groups = rules["data"]["groups"].as_array().map(Vec::as_slice).unwrap_or_default();
    let loaded: Vec<&str> = groups
        .iter()
        .flat_map(|group| group["rules"].as_array().map(Vec::as_slice).unwrap_or_default())
        .filter_map(|rule| rule["name"].as_str())
        .collect();
    let missing: Vec<&str> = wanted.iter().copied().filter(|name| !loaded.contains(name)).collect();
    if missing.is_empty() {
        return Finding::ok(PROMETHEUS, format!("it has the plan's {} alerts", wanted.len()));
    }
    Finding::warning(
        PROMETHEUS,
        format!("it has not loaded {}", missing.join(", ")),
        "name the plan's rule files under `rule_files` of prometheus.yml, then: curl -X POST http://localhost:9090/-/reload",
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::finding::Level;
    use super::*;

    fn targets(list: Json) -> Level {
        scrapes_us(&json!({"data": {"activeTargets": list}})).level
    }

    #[test]
    fn a_prometheus_that_does_not_scrape_us_is_a_problem() {
        assert_eq!(targets(json!([])), Level::Problem);
        assert_eq!(
            targets(json!([{"labels": {"job": "node"}, "scrapeUrl": "http://a:9100/metrics"}])),
            Level::Problem
        );
        assert_eq!(targets(json!([{"labels": {"job": "loadgate"}, "health": "up"}])), Level::Ok);
        assert_eq!(targets(json!([{"scrapeUrl": "http://a:5665/metrics", "health": "unknown"}])), Level::Ok);
        assert_eq!(targets(json!([{"labels": {"job": "loadgate"}, "health": "down"}])), Level::Warning);
    }

    #[test]
    fn rules_that_are_not_loaded_are_named() {
        let rules = json!({"data": {"groups": [{"rules": [{"name": "A"}, {"name": "B"}]}]}});
        assert_eq!(has_rules(&rules, &["A"]).level, Level::Ok);
        let found = has_rules(&rules, &["A", "C"]);
        assert_eq!((found.level, found.what.as_str()), (Level::Warning, "it has not loaded C"));
    }
}

//! Golden answers of `/api/v1/rules` and `/api/v1/alerts`.

use std::collections::BTreeMap;

use super::*;
use crate::api::v1::form::tests::form;
use crate::api::v1::json;
use crate::labels::Labels;
use crate::promql::Query;
use crate::rules::{RuleKind, RuleSpec, Templated};

const AT_MS: i64 = 1_795_259_128_120;

fn rule(name: &str, kind: RuleKind, query: &str, labels: &[(&str, &str)]) -> RuleSpec {
    RuleSpec {
        name: name.to_owned(),
        kind,
        query: Query::parse(query).unwrap(),
        labels: texts(labels),
        line: 1,
    }
}

fn texts(pairs: &[(&str, &str)]) -> Vec<(String, Templated)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), Templated::new(*value))).collect()
}

fn alert_kind(annotations: &[(&str, &str)]) -> RuleKind {
    RuleKind::Alert {
        hold: Duration::from_millis(1_500),
        keep_firing_for: Duration::from_secs(30),
        annotations: texts(annotations),
    }
}

fn group(file: &str, name: &str, rules: Vec<RuleSpec>) -> RuleGroup {
    let spec = GroupSpec {
        file: file.to_owned(),
        name: name.to_owned(),
        interval: None,
        limit: 7,
        query_offset: None,
        labels: Vec::new(),
        rules,
    };
    RuleGroup::of(&Group::new(spec, Duration::from_secs(5)))
}

/// An alerting rule that fires and a recording rule in error; a group that was not evaluated.
fn groups() -> Vec<RuleGroup> {
    let errors = rule(
        "ErrorRateHigh",
        alert_kind(&[("summary", "{{ $value }} of {{ $labels.job }}")]),
        "sum by(job) (rate(errors_total[1m]))   > 0.01",
        &[("severity", "critical")],
    );
    let ratio = rule("job:errors:ratio", RuleKind::Record, "a / b", &[]);
    let idle = rule("Idle", alert_kind(&[]), "up == 0", &[("severity", "warning")]);
    let mut evaluated = group("slo.yml", "slo", vec![errors, ratio]);
    evaluated.last_evaluation_ms = Some(AT_MS);
    evaluated.evaluation_time = Duration::from_micros(1_250);
    let [errors, ratio] = evaluated.rules.as_mut_slice() else { unreachable!("two rules") };
    *errors = RuleState {
        health: Health::Ok,
        last_error: None,
        last_evaluation_ms: Some(AT_MS),
        evaluation_time: Duration::from_millis(1),
        state: Some(AlertState::Firing),
        alerts: vec![ActiveAlert {
            labels: Labels::new([("alertname", "ErrorRateHigh"), ("job", "a"), ("severity", "critical")]),
            annotations: BTreeMap::from([("summary".to_owned(), "0.5 of a".to_owned())]),
            value: 0.5,
            state: AlertState::Firing,
            active_at_ms: AT_MS - 10_000,
            fired_at_ms: Some(AT_MS - 5_000),
            resolved_at_ms: None,
            keep_firing_since_ms: Some(AT_MS),
            last_sent_at_ms: None,
        }],
    };
    ratio.health = Health::Err;
    ratio.last_error = Some("many-to-many".to_owned());
    ratio.last_evaluation_ms = Some(AT_MS);
    vec![evaluated, group("idle.yml", "idle", vec![idle])]
}

const ALERT: &str = concat!(
    r#"{"labels":{"alertname":"ErrorRateHigh","job":"a","severity":"critical"},"annotations":{"summary":"0.5 of a"},"#,
    r#""state":"firing","activeAt":"2026-11-21T11:05:18.12Z","keepFiringSince":"2026-11-21T11:05:28.12Z","value":"5e-01"}"#
);

fn answer(query: &str) -> Result<String, String> {
    let (form, groups) = (form(query), groups());
    let page = Wanted::of(&form).and_then(|wanted| wanted.page(&groups).map(|page| text(&page)));
    page.map_err(|refusal| refusal.message)
}

fn text(value: &impl Serialize) -> String {
    let mut out = Vec::new();
    json::write(&mut out, value);
    String::from_utf8(out).unwrap()
}

#[test]
fn a_group_has_its_rules_with_state_health_and_alerts() {
    let slo = concat!(
        r#"{"name":"slo","file":"slo.yml","rules":["#,
        r#"{"state":"firing","name":"ErrorRateHigh","query":"sum by (job) (rate(errors_total[1m])) > 0.01","#,
        r#""duration":1.5,"keepFiringFor":30,"labels":{"severity":"critical"},"#,
        r#""annotations":{"summary":"{{ $value }} of {{ $labels.job }}"},"alerts":[ALERT],"health":"ok","#,
        r#""evaluationTime":0.001,"lastEvaluation":"2026-11-21T11:05:28.12Z","type":"alerting"},"#,
        r#"{"name":"job:errors:ratio","query":"a / b","labels":{},"health":"err","lastError":"many-to-many","#,
        r#""evaluationTime":0,"lastEvaluation":"2026-11-21T11:05:28.12Z","type":"recording"}"#,
        r#"],"interval":5,"limit":7,"evaluationTime":0.00125,"lastEvaluation":"2026-11-21T11:05:28.12Z"}"#
    );
    let idle = concat!(
        r#"{"name":"idle","file":"idle.yml","rules":["#,
        r#"{"state":"unknown","name":"Idle","query":"up == 0","duration":1.5,"keepFiringFor":30,"#,
        r#""labels":{"severity":"warning"},"annotations":{},"alerts":[],"health":"unknown","evaluationTime":0,"#,
        r#""lastEvaluation":"0001-01-01T00:00:00Z","type":"alerting"}"#,
        r#"],"interval":5,"limit":7,"evaluationTime":0,"lastEvaluation":"0001-01-01T00:00:00Z"}"#
    );
    let slo = slo.replace("ALERT", ALERT);
    assert_eq!(answer(""), Ok(format!(r#"{{"groups":[{slo},{idle}]}}"#)));
    let without = answer("exclude_alerts=true&file[]=slo.yml").unwrap();
    assert_eq!(without, format!(r#"{{"groups":[{}]}}"#, slo.replace(&format!("[{ALERT}]"), "null")));
}

#[test]
fn alerts_are_those_that_are_active() {
    let (groups, alerts) = (groups(), |groups: &[RuleGroup]| {
        let bodies: Vec<AlertBody> = groups.iter().flat_map(RuleGroup::alerts).map(AlertBody::of).collect();
        text(&bodies)
    });
    assert_eq!(alerts(&groups), format!("[{ALERT}]"));
    assert_eq!(alerts(&groups[1..]), "[]");
}

#[test]
fn rules_are_chosen_by_type_name_group_file_and_labels() {
    for (query, expected) in [
        ("", "ErrorRateHigh job:errors:ratio Idle"),
        ("type=alert", "ErrorRateHigh Idle"),
        ("type=Record", "job:errors:ratio"),
        ("rule_name[]=Idle&rule_name[]=job:errors:ratio", "job:errors:ratio Idle"),
        ("rule_group[]=idle", "Idle"),
        ("file[]=slo.yml&type=alert", "ErrorRateHigh"),
        ("file[]=slo.yml&rule_group[]=idle", ""),
        ("rule_name[]=none", ""),
    ] {
        let page: serde_json::Value = serde_json::from_str(&answer(query).unwrap()).unwrap();
        let groups = page["groups"].as_array().unwrap().iter();
        let rules = groups.flat_map(|group| group["rules"].as_array().unwrap().clone());
        let names: Vec<String> = rules.map(|rule| rule["name"].as_str().unwrap().to_owned()).collect();
        assert_eq!(names.join(" "), expected, "{query}");
    }
}

#[test]
fn groups_come_page_by_page() {
    let first: serde_json::Value = serde_json::from_str(&answer("group_limit=1").unwrap()).unwrap();
    let token = first["groupNextToken"].as_str().unwrap();
    assert_eq!(token, "30c0c4e908bf34060bb769ccc1c694d1beeeabb960bae31ed241f4fe750012d4");
    let second = answer(&format!("group_limit=1&group_next_token={token}")).unwrap();
    assert!(second.starts_with(r#"{"groups":[{"name":"idle""#) && !second.contains("groupNextToken"));
}

#[test]
fn what_is_wrong_is_refused_in_upstreams_words() {
    for (query, expected) in [
        ("type=x", r#"invalid parameter "type": not supported value "x""#),
        (
            "exclude_alerts=maybe",
            r#"invalid parameter "exclude_alerts": error converting exclude_alerts: strconv.ParseBool: parsing "maybe": invalid syntax"#,
        ),
        (
            "group_limit=x",
            r#"invalid parameter "group_limit": group_limit needs to be a valid number: strconv.ParseInt: parsing "x": invalid syntax"#,
        ),
        ("group_limit=0", r#"invalid parameter "group_limit": group_limit needs to be greater than 0"#),
        (
            "group_next_token=x",
            r#"invalid parameter "group_next_token": group_limit needs to be present in order to paginate over the groups"#,
        ),
        (
            "group_limit=1&group_next_token=x",
            r#"invalid parameter "group_next_token": invalid group_next_token 'x'. were rule groups changed?"#,
        ),
    ] {
        assert_eq!(answer(query), Err(expected.to_owned()));
    }
}

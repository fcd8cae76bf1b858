//! What the HTTP API of Prometheus answers, as far as it is asked.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::labels::Labels;

/// Around every answer.
#[derive(Debug, Deserialize)]
pub(super) struct Envelope<T> {
    pub(super) data: Option<T>,
    pub(super) error: Option<String>,
}

/// `/api/v1/rules`
#[derive(Debug, Deserialize)]
pub(super) struct RuleGroups {
    pub(super) groups: Vec<RuleGroup>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RuleGroup {
    pub(super) name: String,
    #[serde(default)]
    pub(super) file: String,
    /// Seconds.
    #[serde(default)]
    pub(super) interval: f64,
    /// Null where there are none.
    #[serde(default)]
    pub(super) rules: Option<Vec<Rule>>,
    /// Seconds.
    #[serde(default)]
    pub(super) evaluation_time: f64,
    /// RFC 3339; of the year 1 before the first one.
    #[serde(default)]
    pub(super) last_evaluation: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Rule {
    pub(super) name: String,
    pub(super) query: String,
    /// As they are written, templates included.
    #[serde(default)]
    pub(super) labels: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) health: String,
    #[serde(default)]
    pub(super) last_error: Option<String>,
    /// Pending and firing now.
    #[serde(default)]
    pub(super) alerts: Option<Vec<Alert>>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Alert {
    pub(super) labels: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) annotations: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) value: String,
}

/// `/api/v1/targets`
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Targets {
    #[serde(default)]
    pub(super) active_targets: Option<Vec<Target>>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Target {
    #[serde(default)]
    pub(super) labels: BTreeMap<String, String>,
    /// Such as `15s`.
    #[serde(default)]
    pub(super) scrape_interval: String,
}

/// `/api/v1/query` of a scalar.
#[derive(Debug, Deserialize)]
pub(super) struct Scalar {
    pub(super) result: (f64, String),
}

/// `/api/v1/query` of a vector or a matrix.
#[derive(Debug, Deserialize)]
pub(super) struct Found {
    pub(super) result: Vec<FoundSeries>,
}

#[derive(Debug, Deserialize)]
pub(super) struct FoundSeries {
    #[serde(default)]
    metric: BTreeMap<String, String>,
    /// In seconds since the Unix epoch.
    #[serde(default)]
    value: Option<(f64, String)>,
    #[serde(default)]
    values: Vec<(f64, String)>,
}

/// A sample; a value that is no number is NaN.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Sample {
    pub(super) at_ms: i64,
    pub(super) value: f64,
}

impl FoundSeries {
    pub(super) fn labels(&self) -> Labels {
        labels(&self.metric)
    }

    pub(super) fn samples(&self) -> impl Iterator<Item = Sample> {
        self.value
            .iter()
            .chain(&self.values)
            .map(|(at, value)| Sample { at_ms: millis(*at), value: value.parse().unwrap_or(f64::NAN) })
    }
}

pub(super) fn labels(pairs: &BTreeMap<String, String>) -> Labels {
    Labels::new(pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())))
}

pub(super) fn millis(seconds: f64) -> i64 {
    (seconds * 1e3).round() as i64
}

impl RuleGroup {
    /// When it was last evaluated, in milliseconds since the Unix epoch; `None` if it never was.
    pub(super) fn evaluated_at_ms(&self) -> Option<i64> {
        let at = chrono::DateTime::parse_from_rfc3339(&self.last_evaluation).ok()?;
        Some(at.timestamp_millis()).filter(|at_ms| *at_ms > 0)
    }

    pub(super) fn rules(&self) -> &[Rule] {
        self.rules.as_deref().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_read_as_old_and_new_servers_write_them() {
        let text = r#"{"groups":[
            {"name":"none","file":"a.yml","rules":null,"interval":15,"lastEvaluation":"0001-01-01T00:00:00Z"},
            {"name":"g","file":"b.yml","interval":0.5,"limit":0,"evaluationTime":0.000312,"lastEvaluation":
             "2026-11-21T19:24:32.5004+01:00","rules":[{"state":"firing","name":"A","query":"up == 0","duration":0,
             "keepFiringFor":0,"labels":{"gate":"fail"},"annotations":{},"alerts":[{"labels":{"alertname":"A"},
             "annotations":{},"state":"firing","activeAt":"2026-11-21T18:24:32Z","value":"0e+00"}],"health":"err",
             "lastError":"many","type":"alerting"}]}]}"#;
        let groups = serde_json::from_str::<RuleGroups>(text).unwrap().groups;
        assert_eq!((groups[0].evaluated_at_ms(), groups[0].rules().len()), (None, 0));
        assert_eq!(groups[1].evaluated_at_ms(), Some(1_795_285_472_500));
        let rule = &groups[1].rules()[0];
        assert_eq!((rule.health.as_str(), rule.last_error.as_deref()), ("err", Some("many")));
        assert_eq!(rule.alerts.as_ref().unwrap()[0].value, "0e+00");
    }

    #[test]
    fn vectors_and_matrices_give_samples() {
        let text = r#"{"resultType":"matrix","result":[{"metric":{"a":"b"},"values":[[1.5,"1"],[2.0004,"NaN"]]},
            {"metric":{},"value":[1795285472.781,"+Inf"]}]}"#;
        let found = serde_json::from_str::<Found>(text).unwrap().result;
        let samples: Vec<(i64, String)> =
            found.iter().flat_map(FoundSeries::samples).map(|it| (it.at_ms, it.value.to_string())).collect();
        let expected = [(1500, "1"), (2000, "NaN"), (1_795_285_472_781, "inf")];
        assert_eq!(samples, expected.map(|(at, value)| (at, value.to_owned())));
        assert_eq!(found[0].labels().value("a"), Some("b"));
    }
}

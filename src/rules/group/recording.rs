//! A recording rule: what its expression gives, under another name and with the rule's labels.

use std::collections::HashSet;

use super::Scope;
use super::alerting::instant;
use crate::labels::Labels;
use crate::rules::file::RuleSpec;

pub(super) fn evaluate(spec: &RuleSpec, scope: &Scope<'_>) -> Result<Vec<(Labels, f64)>, String> {
    let samples = instant(&spec.query, scope, scope.at_ms - scope.offset_ms)?;
    let mut seen = HashSet::with_capacity(samples.len());
    let mut recorded = Vec::with_capacity(samples.len());
    for sample in samples {
        let name = ("__name__", spec.name.as_str());
        let own = spec.labels.iter().map(|(name, value)| (name.as_str(), value.text()));
        let labels = Labels::new(sample.labels.iter().chain([name]).chain(own));
        if !seen.insert(labels.clone()) {
            return Err(
                "vector contains metrics with the same labelset after applying rule labels".to_owned()
            );
        }
        recorded.push((labels, sample.point.value));
    }
    if scope.limit > 0 && recorded.len() > scope.limit {
        return Err(format!("exceeded limit of {} with {} series", scope.limit, recorded.len()));
    }
    Ok(recorded)
}

//! A series' labels as the tags that k6 puts on its samples.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::ids::MetricId;
use crate::labels::Labels;
use crate::metric;
use crate::sample::ErrorCode;

pub(super) type Tags<'a> = BTreeMap<&'a str, Cow<'a, str>>;

/// What is recorded outside of iterations, and so in no group.
const WITHOUT_GROUP: [MetricId; 3] = [metric::DROPPED_ITERATIONS, metric::VUS, metric::VUS_MAX];

/// The labels, and what k6 says beside: `url`, which equals `name`; `error`, the error code in words; and an
/// empty `group` outside of all groups.
pub(super) fn of(metric: MetricId, labels: &Labels) -> Tags<'_> {
    let mut tags: Tags<'_> = labels.iter().map(|(name, value)| (name, Cow::Borrowed(value))).collect();
    if let Some(name) = labels.value("name") {
        tags.entry("url").or_insert(Cow::Borrowed(name));
    }
    let code = labels.value("error_code").and_then(|code| code.parse().ok()).map(ErrorCode::from_number);
    if let Some(code) = code.filter(|code| !code.is_status()) {
        tags.entry("error").or_insert(Cow::Borrowed(code.describe()));
    }
    if !WITHOUT_GROUP.contains(&metric) {
        tags.entry("group").or_insert(Cow::Borrowed(""));
    }
    tags
}

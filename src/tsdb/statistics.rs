//! The statistics of trends: exported for k6's dashboards, and not stored.

use std::collections::HashSet;

use crate::family::{Family, FamilyKind};

/// Those which a query takes from the trend's histogram: exactly, and over any label sets together.
const IN_HISTOGRAM: [&str; 5] = ["_avg", "_med", "_p90", "_p95", "_p99"];

/// Of one exposition, the families that are stored: all but the statistics of trends that the histogram beside them
/// answers as well. `_min` and `_max` stay, as no histogram has them. A gauge of the same form without such a
/// histogram is none.
pub fn stored(families: &[Family]) -> impl Iterator<Item = &Family> {
    let histograms: HashSet<&str> = families
        .iter()
        .filter(|family| family.kind == FamilyKind::Histogram)
        .map(|family| family.name.strip_suffix("_seconds").unwrap_or(&family.name))
        .collect();
    let is_statistic = move |family: &Family| {
        let mut trends = IN_HISTOGRAM.iter().filter_map(|suffix| family.name.strip_suffix(suffix));
        family.kind == FamilyKind::Gauge && trends.any(|trend| histograms.contains(trend))
    };
    families.iter().filter(move |family| !is_statistic(family))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_histogram_answers_is_not_stored_beside_it() {
        let family = |kind, name: &str| Family::new(name, kind, "");
        let gauge = |name| family(FamilyKind::Gauge, name);
        let families = [
            gauge("k6_http_req_duration_avg"),
            gauge("k6_http_req_duration_min"),
            gauge("k6_http_req_duration_max"),
            gauge("k6_http_req_duration_p99"),
            gauge("k6_size_med"),
            gauge("k6_orders_p95"),
            family(FamilyKind::Counter, "k6_size_p90"),
            family(FamilyKind::Histogram, "k6_http_req_duration_seconds"),
            family(FamilyKind::Histogram, "k6_size"),
        ];
        let names: Vec<&str> = stored(&families).map(|family| &*family.name).collect();
        assert_eq!(
            names,
            [
                "k6_http_req_duration_min",
                "k6_http_req_duration_max",
                "k6_orders_p95",
                "k6_size_p90",
                "k6_http_req_duration_seconds",
                "k6_size"
            ]
        );
    }
}

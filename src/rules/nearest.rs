//! Names that are like one that was not found.

use std::collections::HashSet;

/// The three most similar, the most similar first.
pub(crate) fn nearest<'a>(wanted: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let mut known = by_similarity(wanted, known);
    known.dedup();
    known.truncate(3);
    known
}

/// As [`nearest`], of metrics: of a histogram's parts one is enough.
pub(crate) fn nearest_metrics<'a>(wanted: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let mut stems = HashSet::new();
    let mut known = by_similarity(wanted, known);
    known.retain(|name| {
        let parts = ["_bucket", "_sum", "_count"];
        stems.insert(parts.iter().find_map(|part| name.strip_suffix(part)).unwrap_or(name))
    });
    known.truncate(3);
    known
}

fn by_similarity<'a>(wanted: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let mut known: Vec<(f64, &str)> =
        known.into_iter().map(|name| (strsim::jaro_winkler(wanted, name), name)).collect();
    known.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(b.1)));
    known.into_iter().map(|(_, name)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_most_similar_come_first_and_equals_by_name() {
        let known = ["up", "http_reqs", "http_req_failed", "ws_sessions", "http_req_duration"];
        assert_eq!(
            nearest("http_req_duratoin", known),
            ["http_req_duration", "http_req_failed", "http_reqs"]
        );
        assert_eq!(nearest("zz", ["b", "a"]), ["a", "b"]);
        assert!(nearest("zz", []).is_empty());
    }

    #[test]
    fn a_histogram_is_suggested_once() {
        let known = ["k6_a_seconds_bucket", "k6_a_seconds_count", "k6_a_seconds_sum", "k6_b_total"];
        assert_eq!(nearest_metrics("k6_a_second_count", known), ["k6_a_seconds_count", "k6_b_total"]);
    }
}

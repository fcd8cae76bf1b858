//! Names that are like one that was not found.

/// The three most similar, the most similar first.
pub(crate) fn nearest<'a>(wanted: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let mut known: Vec<(f64, &str)> =
        known.into_iter().map(|name| (strsim::jaro_winkler(wanted, name), name)).collect();
    known.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(b.1)));
    known.dedup();
    known.truncate(3);
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
}

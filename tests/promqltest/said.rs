//! What an error or an annotation is expected to say.

use std::sync::LazyLock;

use regex::Regex;

pub(crate) enum Said {
    Anything,
    Message(String),
    Pattern(Regex),
}

/// Prometheus ends annotations with the place in the query, ` (1:7)`, which loadgate does not know: nothing else of
/// what is expected is left out.
static PLACE: LazyLock<Regex> = LazyLock::new(|| Regex::new(r" \(\d+:\d+\)$").unwrap());
static PLACE_PATTERN: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r" \\\((?:\d+|\[0-9\]\+|\\d\+):(?:\d+|\[0-9\]\+|\\d\+)\\\)$").unwrap());

impl Said {
    pub(crate) fn message(text: &str) -> Said {
        Said::Message(PLACE.replace(text, "").into_owned())
    }

    pub(crate) fn pattern(text: &str) -> Result<Said, String> {
        let pattern = PLACE_PATTERN.replace(text, "");
        Regex::new(&pattern).map(Said::Pattern).map_err(|why| format!("invalid pattern {text:?}: {why}"))
    }

    pub(crate) fn is(&self, text: &str) -> bool {
        match self {
            Said::Anything => true,
            Said::Message(message) => message == text,
            Said::Pattern(pattern) => pattern.is_match(text),
        }
    }

    pub(crate) fn shown(&self) -> String {
        match self {
            Said::Anything => "anything".to_owned(),
            Said::Message(message) => format!("{message:?}"),
            Said::Pattern(pattern) => format!("what matches {:?}", pattern.as_str()),
        }
    }
}

#[test]
fn all_but_the_place_is_compared() {
    for (said, text, is) in [
        (Said::message("PromQL warning: x (1:7)"), "PromQL warning: x", true),
        (Said::message("PromQL warning: x (1:7)"), "PromQL warning: y", false),
        (Said::message("x (a:b)"), "x", false),
        (Said::pattern(r"got NaN \([0-9]+:[0-9]+\)").unwrap(), "it got NaN", true),
        (Said::pattern(r"got .* \(1:21\)").unwrap(), "got a lot", true),
        (Said::pattern(r"got (NaN|Inf)").unwrap(), "got 1", false),
        (Said::Anything, "", true),
    ] {
        assert_eq!(said.is(text), is, "{} and {text:?}", said.shown());
    }
}

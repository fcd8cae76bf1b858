//! Filling in what stands for something else in expressions: `$name`, `${name}`, `${name:regex}`, and Grafana's own
//! `$__interval`, `$__rate_interval`, `$__range`, `$__range_s`.
//!
//! The page does the same in `interpolate.js`; both are tested with `cases.json`. Names that are not known stay as they
//! are: `label_replace(…, "$1", …)` has such.

use std::collections::BTreeMap;
use std::time::Duration;

/// What a variable stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Chosen {
    /// Each of these; none: nothing matches.
    Values(Vec<String>),
    /// All there are: this pattern.
    All(String),
}

/// All that an expression may name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    pub variables: BTreeMap<String, Chosen>,
    /// Between two points of a panel.
    pub step: Duration,
    /// Between two samples of a series.
    pub scrape_interval: Duration,
    /// All that a panel shows.
    pub range: Duration,
}

/// Windows of rates hold at least this many samples.
const SAMPLES_OF_A_RATE: u32 = 4;

impl Scope {
    /// In PromQL: values are patterns there, within the quotes of `label=~"$name"`.
    pub fn expression(&self, text: &str) -> String {
        replaced(text, |name| self.built_in(name).or_else(|| self.variables.get(name).map(pattern)))
    }

    /// In titles and texts, for people.
    pub fn text(&self, text: &str) -> String {
        replaced(text, |name| {
            self.built_in(name).or_else(|| {
                self.variables.get(name).map(|chosen| match chosen {
                    Chosen::Values(values) => values.join(" + "),
                    Chosen::All(_) => "All".to_owned(),
                })
            })
        })
    }

    fn built_in(&self, name: &str) -> Option<String> {
        Some(match name {
            "__interval" => promql(self.step),
            "__rate_interval" => {
                promql((self.step + self.scrape_interval).max(self.scrape_interval * SAMPLES_OF_A_RATE))
            }
            "__range" => promql(Duration::from_secs(self.range_secs())),
            "__range_s" => self.range_secs().to_string(),
            _ => return None,
        })
    }

    /// At least one: a window of nothing is refused.
    fn range_secs(&self) -> u64 {
        (self.range.as_secs() + u64::from(self.range.subsec_millis() >= 500)).max(1)
    }
}

/// As PromQL reads durations.
fn promql(duration: Duration) -> String {
    let millis = duration.as_millis().max(1);
    if millis.is_multiple_of(1_000) { format!("{}s", millis / 1_000) } else { format!("{millis}ms") }
}

/// As it stands within double quotes.
fn pattern(chosen: &Chosen) -> String {
    match chosen {
        Chosen::Values(values) => values.iter().map(|value| quoted(value)).collect::<Vec<_>>().join("|"),
        Chosen::All(pattern) => pattern.clone(),
    }
}

/// Matches this value alone.
fn quoted(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for character in value.chars() {
        match character {
            '\\' => out.push_str(r"\\\\"),
            '"' => out.push_str("\\\""),
            '\n' => out.push_str("\\n"),
            '$' | '^' | '*' | '{' | '}' | '[' | ']' | '+' | '?' | '.' | '(' | ')' | '|' => {
                out.push_str(r"\\");
                out.push(character);
            }
            other => out.push(other),
        }
    }
    out
}

fn replaced(text: &str, value: impl Fn(&str) -> Option<String>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        let (before, after) = (&rest[..at], &rest[at + 1..]);
        out.push_str(before);
        match reference(after).and_then(|(name, length)| Some((value(name)?, length))) {
            Some((value, length)) => {
                out.push_str(&value);
                rest = &after[length..];
            }
            None => {
                out.push('$');
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

/// The name after a `$`, and how long the reference is from there on.
fn reference(after: &str) -> Option<(&str, usize)> {
    let word = |text: &str| {
        text.find(|character: char| !character.is_ascii_alphanumeric() && character != '_')
            .unwrap_or(text.len())
    };
    let Some(inside) = after.strip_prefix('{') else {
        return Some((&after[..word(after)], word(after)));
    };
    let name = &inside[..word(inside)];
    let end = &inside[name.len()..];
    let form = if end.starts_with(":regex}") { ":regex}" } else { "}" };
    end.starts_with(form).then_some((name, 1 + name.len() + form.len()))
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    /// Shared with the page's own tests.
    const CASES: &str = include_str!("cases.json");

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Cases {
        scope: RawScope,
        cases: Vec<Case>,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct RawScope {
        variables: BTreeMap<String, RawChosen>,
        step: f64,
        scrape_interval: f64,
        range: f64,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct RawChosen {
        values: Option<Vec<String>>,
        all: Option<String>,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Case {
        from: String,
        expression: String,
        text: String,
        /// In place of the scope's.
        step: Option<f64>,
    }

    #[test]
    fn variables_and_intervals_are_filled_in_as_the_page_does() {
        let Cases { scope: raw, cases } = serde_json::from_str(CASES).unwrap();
        let chosen = |raw: RawChosen| match (raw.values, raw.all) {
            (Some(values), None) => Chosen::Values(values),
            (None, Some(all)) => Chosen::All(all),
            _ => panic!("either values or all"),
        };
        let mut scope = Scope {
            variables: raw.variables.into_iter().map(|(name, raw)| (name, chosen(raw))).collect(),
            step: Duration::from_secs_f64(raw.step),
            scrape_interval: Duration::from_secs_f64(raw.scrape_interval),
            range: Duration::from_secs_f64(raw.range),
        };
        let usual = scope.step;
        assert!(cases.len() > 10);
        for case in cases {
            scope.step = case.step.map_or(usual, Duration::from_secs_f64);
            assert_eq!(scope.expression(&case.from), case.expression, "{} in an expression", case.from);
            assert_eq!(scope.text(&case.from), case.text, "{} in a text", case.from);
        }
    }

    #[test]
    fn a_value_is_matched_by_its_own_pattern_whatever_is_in_it() {
        use crate::labels::Labels;
        use crate::promql::Point;
        use crate::tsdb::Store;

        let hostile = "a.b|c\"d\\e$f{g}[h](i)^j*k+l?m\nn'o`p";
        let store = Store::new(1 << 20);
        for name in [hostile, "axb"] {
            store.append(
                &Labels::new([("__name__", "up"), ("job", name)]),
                Point { at_ms: 1_000, value: 1.0 },
            );
        }
        let scope = Scope {
            variables: [("job".to_owned(), Chosen::Values(vec![hostile.to_owned()]))].into(),
            step: Duration::from_secs(1),
            scrape_interval: Duration::from_secs(1),
            range: Duration::from_secs(60),
        };
        let query = crate::promql::Query::parse(&scope.expression(r#"count(up{job=~"$job"})"#)).unwrap();
        let answer = query.instant(&store, 1_000, &crate::promql::Options::default()).unwrap();
        let crate::promql::Value::Vector(samples) = answer.value else { panic!("no vector") };
        assert_eq!(samples.iter().map(|sample| sample.point.value).collect::<Vec<_>>(), [1.0]);
    }
}

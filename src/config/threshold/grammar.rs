//! The grammar of thresholds and of the metrics they are about: text in, no places.

use super::{Aggregation, Comparison, MetricSelector};
use crate::config::node::shorten;
use crate::config::value::number::percent;
use crate::config::value::{MetricName, Rule, parse_duration};
use crate::config::vars::is_variable_name;

/// `aggregation operator value`, parsed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Condition {
    pub(super) aggregation: Aggregation,
    pub(super) comparison: Comparison,
    pub(super) limit: f64,
    pub(super) unit_secs: Option<f64>,
}

/// What is wrong with a text, and which bytes of it.
#[derive(Debug, PartialEq)]
pub(super) struct Fault {
    pub(super) from: usize,
    pub(super) length: usize,
    pub(super) message: String,
    pub(super) help: &'static str,
}

impl Condition {
    pub(super) fn parse(text: &str) -> Result<Self, Fault> {
        let (aggregation, rest) = aggregation(text)?;
        let at = text.len() - rest.trim_start().len();
        let (comparison, rest) = comparison(rest.trim_start()).ok_or_else(|| Fault {
            from: at,
            length: 1,
            message: "no comparison where one should be".to_owned(),
            help: "expected one of `<`, `<=`, `>`, `>=`, `==`, `!=`",
        })?;
        let written = rest.trim();
        let from = text.len() - rest.trim_start().len();
        let fault = |message: String, help| Fault { from, length: written.chars().count(), message, help };
        let (limit, unit_secs) = limit(written).ok_or_else(|| {
            let message = format!("`{}` is no limit", shorten(written));
            fault(message, "expected a number, perhaps with a unit: `500`, `0.01`, `1%`, `200ms`, `10s`")
        })?;
        let is_percent = written.ends_with('%');
        match aggregation {
            Aggregation::Percentile(_) if matches!(comparison, Comparison::Equal | Comparison::NotEqual) => {
                let message = "a percentile is compared by `<`, `<=`, `>` or `>=`".to_owned();
                Err(Fault {
                    from: at,
                    length: 2,
                    message,
                    help: "`==` and `!=` ask for a value that no sample need have",
                })
            }
            Aggregation::Count | Aggregation::Rate if unit_secs.is_some() => Err(fault(
                "a number of samples has no unit of time".to_owned(),
                "expected a number such as `100` or `1%`",
            )),
            aggregation if is_percent && aggregation != Aggregation::Rate => {
                Err(fault("only `rate` is measured in percent".to_owned(), "expected a number such as `95`"))
            }
            aggregation => Ok(Condition { aggregation, comparison, limit, unit_secs }),
        }
    }
}

fn aggregation(text: &str) -> Result<(Aggregation, &str), Fault> {
    const HELP: &str =
        "expected `count`, `rate`, `value`, `avg`, `min`, `max`, `med` or `p(N)` with N from 0 to 100";
    let end = text.find(|character: char| !character.is_ascii_alphabetic()).unwrap_or(text.len());
    let (word, rest) = text.split_at(end);
    let fault = |length: usize| Fault {
        from: 0,
        length,
        message: format!("`{}` is no aggregation", shorten(text.get(..length).unwrap_or(text))),
        help: HELP,
    };
    let known = match word {
        "count" => Aggregation::Count,
        "rate" => Aggregation::Rate,
        "value" => Aggregation::Value,
        "avg" => Aggregation::Avg,
        "min" => Aggregation::Min,
        "max" => Aggregation::Max,
        "med" => Aggregation::Med,
        "p" => {
            let close = rest.find(')').ok_or_else(|| fault(text.len()))?;
            let (inner, after) = rest.split_at(close + 1);
            let number = inner
                .strip_prefix('(')
                .and_then(|inner| inner.strip_suffix(')'))
                .and_then(|inner| decimal(inner.trim()));
            let percentile = number
                .filter(|number| (0.0..=100.0).contains(number))
                .ok_or_else(|| fault(end + close + 1))?;
            return Ok((Aggregation::Percentile(percentile), after));
        }
        _ => return Err(fault(if end == 0 { text.len() } else { end })),
    };
    Ok((known, rest))
}

fn comparison(text: &str) -> Option<(Comparison, &str)> {
    // Longer operators first; `===` is k6's.
    const OPERATORS: [(&str, Comparison); 7] = [
        ("===", Comparison::Equal),
        ("==", Comparison::Equal),
        ("!=", Comparison::NotEqual),
        ("<=", Comparison::LessOrEqual),
        (">=", Comparison::GreaterOrEqual),
        ("<", Comparison::Less),
        (">", Comparison::Greater),
    ];
    OPERATORS.iter().find_map(|(operator, comparison)| Some((*comparison, text.strip_prefix(operator)?)))
}

/// A number and its unit in seconds.
fn limit(text: &str) -> Option<(f64, Option<f64>)> {
    if let Some(number) = decimal(text) {
        return Some((number, None));
    }
    if let Some(share) = percent(text) {
        return Some((share, None));
    }
    const UNITS: [(&str, f64); 4] = [("ms", 1e-3), ("us", 1e-6), ("s", 1.0), ("m", 60.0)];
    for (unit, secs) in UNITS {
        if let Some(number) = text.strip_suffix(unit).and_then(decimal) {
            return Some((number, Some(secs)));
        }
    }
    // `1m30s`
    parse_duration(text).ok().map(|duration| (duration.as_secs_f64(), Some(1.0)))
}

/// k6's numbers: digits with a sign, a point or an exponent, and neither `inf` nor `NaN`.
fn decimal(text: &str) -> Option<f64> {
    let numeric =
        text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E' | b'+' | b'-'));
    text.parse().ok().filter(|value: &f64| numeric && value.is_finite())
}

const MOST_TAGS: usize = 32;

impl MetricSelector {
    /// Parses `name` or `name{tag:value,tag2:"value"}`.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let (name, tags) = match text.split_once('{') {
            None => (text.trim(), ""),
            Some((name, rest)) => {
                let inner = rest.trim_end().strip_suffix('}').ok_or("`{` without `}`")?;
                if inner.trim().is_empty() {
                    return Err("no tags between `{` and `}`".to_owned());
                }
                (name.trim(), inner)
            }
        };
        if !MetricName::holds(name) {
            return Err(format!("`{}` is no metric's name", shorten(name)));
        }
        let mut selector = MetricSelector { name: name.to_owned(), tags: Vec::new() };
        let mut rest = tags.trim();
        while !rest.is_empty() {
            let (tag, after) =
                rest.split_once(':').ok_or_else(|| format!("no `:` in `{}`", shorten(rest)))?;
            let tag = tag.trim();
            if !is_variable_name(tag) {
                return Err(format!("`{}` is no tag's name", shorten(tag)));
            }
            if selector.tags.len() == MOST_TAGS {
                return Err(format!("more than {MOST_TAGS} tags"));
            }
            if selector.tags.iter().any(|(known, _)| known == tag) {
                return Err(format!("the tag `{tag}` twice"));
            }
            let (value, after) = tag_value(after.trim_start())?;
            selector.tags.push((tag.to_owned(), value));
            rest = after;
        }
        Ok(selector)
    }
}

/// A value, quoted or up to the next comma, and what follows that comma.
fn tag_value(text: &str) -> Result<(String, &str), String> {
    let quoted = text.chars().next().filter(|quote| matches!(quote, '"' | '\''));
    let (value, rest) = match quoted {
        Some(quote) => {
            let inner = text.get(1..).unwrap_or_default();
            let (value, rest) = inner.split_once(quote).ok_or("a quote that is not closed")?;
            (value, rest.trim_start())
        }
        None => {
            let end = text.find(',').unwrap_or(text.len());
            let (value, rest) = text.split_at(end);
            (value.trim_end(), rest)
        }
    };
    match rest.strip_prefix(',') {
        Some(after) if !after.trim().is_empty() => Ok((value.to_owned(), after.trim_start())),
        Some(_) => Err("a comma at the end".to_owned()),
        None if rest.is_empty() => Ok((value.to_owned(), rest)),
        None => Err(format!("`{}` after a quoted value", shorten(rest))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_follow_k6s_grammar() {
        use Aggregation as A;
        use Comparison as C;
        for (text, aggregation, comparison, limit, unit_secs) in [
            ("p(95)<500", A::Percentile(95.0), C::Less, 500.0, None),
            ("p(99.9) <= 1.5", A::Percentile(99.9), C::LessOrEqual, 1.5, None),
            ("p( 90 )<10s", A::Percentile(90.0), C::Less, 10.0, Some(1.0)),
            ("avg>=200ms", A::Avg, C::GreaterOrEqual, 200.0, Some(1e-3)),
            ("med<2m", A::Med, C::Less, 2.0, Some(60.0)),
            ("max<1m30s", A::Max, C::Less, 90.0, Some(1.0)),
            ("min>5us", A::Min, C::Greater, 5.0, Some(1e-6)),
            ("rate<0.01", A::Rate, C::Less, 0.01, None),
            ("rate<1%", A::Rate, C::Less, 0.01, None),
            ("count===100", A::Count, C::Equal, 100.0, None),
            ("count == 100", A::Count, C::Equal, 100.0, None),
            ("value!=-5", A::Value, C::NotEqual, -5.0, None),
            ("value<1e3", A::Value, C::Less, 1000.0, None),
        ] {
            assert_eq!(
                Condition::parse(text),
                Ok(Condition { aggregation, comparison, limit, unit_secs }),
                "{text}"
            );
        }
    }

    #[test]
    fn other_conditions_are_refused() {
        for text in [
            "", "p95<500", "p(101)<1", "p(-1)<1", "p(x)<1", "p(95<1", "sum<1", "avg", "avg 5", "avg<",
            "avg<x", "avg<5x", "avg<inf", "avg<NaN", "avg=5", "avg<>5", "p(95)==5", "p(95)!=5", "count<5s",
            "rate<5ms", "avg<5%", "<5", "avg<5 6",
        ] {
            assert!(Condition::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn metrics_are_selected_by_tags() {
        let parsed = |text: &str| MetricSelector::parse(text).map(|selector| (selector.name, selector.tags));
        let tags = |list: &[(&str, &str)]| {
            list.iter().map(|(tag, value)| ((*tag).to_owned(), (*value).to_owned())).collect()
        };
        for (text, name, expected) in [
            ("checks", "checks", tags(&[])),
            ("checks{type:hz}", "checks", tags(&[("type", "hz")])),
            ("m{a:1, b:two words}", "m", tags(&[("a", "1"), ("b", "two words")])),
            ("m{ a : \"x,y\" ,b:'z'}", "m", tags(&[("a", "x,y"), ("b", "z")])),
            ("m{url:http://x:80/}", "m", tags(&[("url", "http://x:80/")])),
        ] {
            assert_eq!(parsed(text), Ok((name.to_owned(), expected)), "{text}");
        }
        for text in [
            "",
            "m{",
            "m{}",
            "m{a}",
            "m{a:1",
            "m{a:1}x",
            "m{a:1,}",
            "m{a:1,a:2}",
            "m{a:\"1}",
            "m{a:\"1\"x}",
            "m{1:a}",
            "m n",
        ] {
            assert!(parsed(text).is_err(), "{text}");
        }
    }
}

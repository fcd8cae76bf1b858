//! An answer and what was demanded of it. Pure.

use super::{Answer, Found};
use crate::config::WantedConfig;
use crate::plan::verify::{Demands, ROWS, VALUE};
use crate::template::{Locals, Scope, Value};

/// What an answer comes to.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Judged {
    Holds,
    /// Those demands that do not hold: `at most 100`.
    Fails(String),
    /// It answers another question than was asked, and why.
    Unclear(String),
}

/// `locals` are above what `setup` captured.
pub(super) fn judge(demands: &Demands, answer: &Answer, vars: &Value, mut locals: Locals) -> Judged {
    if let Found::Many(count, what) = answer.found
        && demands.needs_value()
    {
        return Judged::Unclear(format!(
            "{count} {what} where one value is needed: look into `rows` by `checks`, or ask for one"
        ));
    }
    let mut broken = Vec::new();
    if let Some(wanted) = &demands.equals
        && !is_equal(wanted, &answer.found)
    {
        broken.push(format!("equals {}", shown(wanted)));
    }
    let number = number(&answer.found);
    if let Some(limit) = demands.at_most
        && number.is_none_or(|number| number.is_nan() || number > limit)
    {
        broken.push(format!("at most {limit}"));
    }
    if let Some(limit) = demands.at_least
        && number.is_none_or(|number| number.is_nan() || number < limit)
    {
        broken.push(format!("at least {limit}"));
    }
    if !matches!(answer.found, Found::Response { .. }) {
        locals.set(&VALUE.into(), answer.found.value());
        locals.set(&ROWS.into(), answer.rows.clone());
    }
    let scope = Scope {
        vu: 0,
        iteration: 0,
        scenario: "verify",
        vars,
        data: &Value::UNDEFINED,
        locals: &locals,
        exchange: answer.exchange.as_ref(),
    };
    let (mut failed, mut unevaluated) = (false, None);
    for (name, expression) in &demands.checks {
        match expression.is_true(&scope) {
            Ok(true) => {}
            Ok(false) => {
                failed = true;
                broken.push(format!("check `{name}`"));
            }
            Err(error) => {
                unevaluated.get_or_insert_with(|| format!("check `{name}`: {error}"));
                broken.push(format!("check `{name}` ({error})"));
            }
        }
    }
    // A page that says why there is no answer is none. A check of the status itself has one, however.
    if let Found::Response { status, expected: false } = answer.found
        && !failed
    {
        let why = unevaluated.map_or_else(
            || "; `expected_statuses` says which are an answer".to_owned(),
            |why| format!(" ({why})"),
        );
        return Judged::Unclear(format!("status {status}{why}"));
    }
    if broken.is_empty() { Judged::Holds } else { Judged::Fails(broken.join(" and ")) }
}

/// Numbers as numbers, texts as texts; where only one of the two is a number, the other is read as one.
fn is_equal(wanted: &WantedConfig, found: &Found) -> bool {
    match (wanted, found) {
        (WantedConfig::Text(wanted), Found::Text(found)) => wanted == found,
        (WantedConfig::Text(wanted), Found::Bool(found)) => *wanted == found.to_string(),
        (WantedConfig::Bool(wanted), Found::Bool(found)) => wanted == found,
        (WantedConfig::Bool(wanted), Found::Text(found)) => *found == wanted.to_string(),
        (WantedConfig::Bool(_), _) => false,
        (WantedConfig::Integer(number), found) => is_same(&Found::Integer(*number), found),
        (WantedConfig::Float(number), found) => is_same(&Found::Float(*number), found),
        (WantedConfig::Text(text), found) => {
            Found::number(text).is_some_and(|number| is_same(&number, found))
        }
    }
}

fn is_same(wanted: &Found, found: &Found) -> bool {
    match (wanted, found) {
        // Beyond 2^53 numbers differ that are one as f64.
        (Found::Integer(wanted), Found::Integer(found)) => wanted == found,
        (_, Found::Text(text)) => Found::number(text).is_some_and(|found| is_same(wanted, &found)),
        (wanted, found) => number(wanted).is_some_and(|wanted| number(found) == Some(wanted)),
    }
}

fn number(found: &Found) -> Option<f64> {
    match found {
        Found::Integer(number) => Some(*number as f64),
        Found::Float(number) => Some(*number),
        Found::Text(text) => match Found::number(text)? {
            Found::Integer(number) => Some(number as f64),
            Found::Float(number) => Some(number),
            _ => None,
        },
        _ => None,
    }
}

fn shown(wanted: &WantedConfig) -> String {
    match wanted {
        WantedConfig::Bool(value) => value.to_string(),
        WantedConfig::Integer(number) => number.to_string(),
        WantedConfig::Float(number) => number.to_string(),
        WantedConfig::Text(text) => format!("{text:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::{Expression, Names};
    use crate::verify::{exchange_of, print};

    fn answer(found: Found) -> Answer {
        Answer { found, rows: Value::UNDEFINED, exchange: None, print: print(0) }
    }

    fn check(text: &str) -> Demands {
        let mut names = Names::default().with_exchange();
        names.add(VALUE);
        names.add(ROWS);
        let expression =
            Expression::compile(text, &names).unwrap_or_else(|error| panic!("{}", error.message));
        Demands { checks: vec![("it".to_owned(), expression)], ..Demands::default() }
    }

    fn judged(demands: &Demands, answer: &Answer) -> Judged {
        judge(demands, answer, &Value::UNDEFINED, Locals::new())
    }

    #[test]
    fn numbers_compare_as_numbers_and_texts_as_texts() {
        use Found::{Bool, Float, Integer, Nothing};
        let text = |text: &str| Found::Text(text.to_owned());
        let wanted = |text: &str| WantedConfig::Text(text.to_owned());
        const LARGE: i128 = (1 << 53) + 1;
        for (asked, found, equal) in [
            (WantedConfig::Integer(100), Integer(100), true),
            (WantedConfig::Integer(100), Integer(101), false),
            (WantedConfig::Integer(100), Float(100.0), true),
            (WantedConfig::Integer(100), text("100"), true),
            (WantedConfig::Integer(100), text("100.0"), true),
            (WantedConfig::Integer(100), text("a hundred"), false),
            (WantedConfig::Integer(LARGE), Integer(LARGE - 1), false),
            (WantedConfig::Integer(0), Nothing, false),
            (WantedConfig::Integer(1), Bool(true), false),
            (WantedConfig::Float(0.5), text("0.50"), true),
            (WantedConfig::Float(0.5), Float(f64::NAN), false),
            (wanted("0"), Integer(0), true),
            (wanted("0"), text("0"), true),
            (wanted("0"), text("0.0"), false),
            (wanted("sold out"), text("sold out"), true),
            (wanted("sold out"), text("Sold out"), false),
            (wanted("true"), Bool(true), true),
            (WantedConfig::Bool(true), Bool(true), true),
            (WantedConfig::Bool(true), Bool(false), false),
            (WantedConfig::Bool(true), Integer(1), false),
        ] {
            let demands = Demands { equals: Some(asked.clone()), ..Demands::default() };
            let held = judged(&demands, &answer(found.clone())) == Judged::Holds;
            assert_eq!(held, equal, "{asked:?} {found:?}");
        }
    }

    #[test]
    fn limits_include_themselves_and_no_number_is_within_none() {
        let between = Demands { at_most: Some(100.0), at_least: Some(1.0), ..Demands::default() };
        for (found, expected) in [
            (Found::Integer(1), Judged::Holds),
            (Found::Text("100".to_owned()), Judged::Holds),
            (Found::Float(100.5), Judged::Fails("at most 100".to_owned())),
            (Found::Integer(0), Judged::Fails("at least 1".to_owned())),
            (Found::Nothing, Judged::Fails("at most 100 and at least 1".to_owned())),
            (Found::Float(f64::NAN), Judged::Fails("at most 100 and at least 1".to_owned())),
        ] {
            assert_eq!(judged(&between, &answer(found.clone())), expected, "{found:?}");
        }
        let many = judged(&between, &answer(Found::Many(2, "series")));
        assert!(
            matches!(&many, Judged::Unclear(why) if why.starts_with("2 series where one value is needed"))
        );
    }

    #[test]
    fn checks_see_value_rows_and_what_is_json_in_a_text() {
        let rows = Value::from(vec![Value::from(1), Value::from(2)]);
        let found = Found::Text(r#"{"left": 3}"#.to_owned());
        let exchange = Some(exchange_of(r#"{"left": 3}"#));
        let answer = Answer { found, rows, exchange, print: 0 };
        for (text, expected) in [
            ("rows | length == 2", Judged::Holds),
            ("json.left == 3", Judged::Holds),
            ("'left' in value", Judged::Holds),
            ("json.left == 4", Judged::Fails("check `it`".to_owned())),
            ("json.right.no == 4", Judged::Fails("check `it` (`json.right` is undefined)".to_owned())),
        ] {
            assert_eq!(judged(&check(text), &answer), expected, "{text}");
        }
    }

    #[test]
    fn a_response_that_is_none_answers_only_what_is_asked_of_its_status() {
        let response = |status, expected, body: &str| {
            let exchange = ExchangeView::new(
                status,
                http::HeaderMap::new(),
                body.to_owned().into(),
                std::time::Duration::ZERO,
                None,
            );
            Answer {
                found: Found::Response { status, expected },
                rows: Value::UNDEFINED,
                exchange: Some(exchange),
                print: 0,
            }
        };
        use crate::template::ExchangeView;
        for (text, answer, expected) in [
            ("json.stock == 0", response(200, true, r#"{"stock": 0}"#), Judged::Holds),
            (
                "json.stock == 0",
                response(200, true, r#"{"stock": 1}"#),
                Judged::Fails("check `it`".to_owned()),
            ),
            (
                "json.stock == 0",
                response(200, true, "sold out"),
                Judged::Fails("check `it` (`json` is undefined: the body is not JSON)".to_owned()),
            ),
            (
                "json.stock == 0",
                response(503, false, "sorry"),
                Judged::Unclear(
                    "status 503 (check `it`: `json` is undefined: the body is not JSON)".to_owned(),
                ),
            ),
            ("status == 200", response(503, false, "sorry"), Judged::Fails("check `it`".to_owned())),
            (
                "duration < 100",
                response(503, false, ""),
                Judged::Unclear("status 503; `expected_statuses` says which are an answer".to_owned()),
            ),
        ] {
            assert_eq!(judged(&check(text), &answer), expected, "{text}");
        }
    }
}

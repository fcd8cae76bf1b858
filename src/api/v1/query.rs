//! `/api/v1/query` and `/api/v1/query_range`, and what is asked of an expression without evaluating it.

use std::time::{Duration, Instant};

use promql_parser::parser::value::ValueType;

use super::answer::{Kind, Refusal, Success};
use super::evaluate::{evaluate, timed_out};
use super::form::Form;
use super::json;
use super::over::Over;
use super::time::{MAX_MS, MIN_MS, now_ms, parse_duration, parse_time};
use crate::api::Sources;
use crate::promql::{Annotation, Answer, EvalError, Limits, Options, Query, Value};
use crate::tsdb::Store;

/// Per series of a range query.
const MAX_STEPS: i64 = 11_000;
const NANOS_PER_MS: i64 = 1_000_000;

pub(super) async fn instant(Over(sources): Over, form: Form) -> Result<Success, Refusal> {
    let asked = Asked::at_a_moment(&form)?;
    asked.answer(&sources, Instant::now()).await
}

pub(super) async fn range(Over(sources): Over, form: Form) -> Result<Success, Refusal> {
    let asked = Asked::over_time(&form)?;
    asked.answer(&sources, Instant::now()).await
}

pub(super) async fn format(form: Form) -> Result<Success, Refusal> {
    let query = parse(form.value("query").unwrap_or_default())?;
    Ok(Success::of(&query.expr().prettify()))
}

/// Exemplars are not kept; what is asked is checked all the same.
pub(super) async fn exemplars(form: Form) -> Result<Success, Refusal> {
    let start_ms = form.time_or("start", MIN_MS)?;
    let end_ms = form.time_or("end", MAX_MS)?;
    if end_ms < start_ms {
        return Err(Refusal::bad_data("end timestamp must not be before start timestamp"));
    }
    Query::parse(form.value("query").unwrap_or_default())
        .map_err(|error| Refusal::bad_data(error.message))?;
    Ok(Success::new(&[], |out| out.extend_from_slice(b"[]")))
}

/// A request for a value.
#[derive(Debug, PartialEq)]
struct Asked {
    query: String,
    when: When,
    /// Series in the answer.
    limit: Option<usize>,
    timeout: Option<Duration>,
    lookback: Option<Duration>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum When {
    At(i64),
    Range { from_ms: i64, to_ms: i64, step_ms: i64 },
}

impl Asked {
    fn at_a_moment(form: &Form) -> Result<Self, Refusal> {
        let limit = form.limit()?;
        let when = When::At(form.time_or("time", now_ms())?);
        Asked::new(form, when, limit)
    }

    fn over_time(form: &Form) -> Result<Self, Refusal> {
        let limit = form.limit()?;
        let time = |name| {
            parse_time(form.value(name).unwrap_or_default()).map_err(|why| Refusal::parameter(name, why))
        };
        let (from_ms, to_ms) = (time("start")?, time("end")?);
        if to_ms < from_ms {
            return Err(Refusal::parameter("end", "end timestamp must not be before start time"));
        }
        let step_nanos = parse_duration(form.value("step").unwrap_or_default())
            .map_err(|why| Refusal::parameter("step", why))?;
        if step_nanos <= 0 {
            let why =
                "zero or negative query resolution step widths are not accepted. Try a positive integer";
            return Err(Refusal::parameter("step", why));
        }
        let range_nanos = to_ms.saturating_sub(from_ms).saturating_mul(NANOS_PER_MS);
        if range_nanos / step_nanos > MAX_STEPS {
            return Err(Refusal::bad_data(
                "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)",
            ));
        }
        // Below a millisecond there are no steps.
        let step_ms = (step_nanos / NANOS_PER_MS).max(1);
        Asked::new(form, When::Range { from_ms, to_ms, step_ms }, limit)
    }

    fn new(form: &Form, when: When, limit: Option<usize>) -> Result<Self, Refusal> {
        let duration = |name| form.value(name).map(parse_duration).transpose();
        let timeout = duration("timeout").map_err(|why| Refusal::parameter("timeout", why))?;
        let lookback = duration("lookback_delta")
            .map_err(|why| Refusal::bad_data(format!("error parsing lookback delta duration: {why}")))?;
        // Zero and less are given up at once, as upstream.
        let timeout = timeout.map(|nanos| Duration::from_nanos(u64::try_from(nanos).unwrap_or(0)));
        let lookback = lookback.and_then(|nanos| u64::try_from(nanos).ok()).filter(|nanos| *nanos > 0);
        Ok(Asked {
            query: form.value("query").unwrap_or_default().to_owned(),
            when,
            limit,
            timeout,
            lookback: lookback.map(Duration::from_nanos),
        })
    }

    async fn answer(self, sources: &Sources, now: Instant) -> Result<Success, Refusal> {
        let longest = sources.limits.timeout;
        let deadline = now + self.timeout.unwrap_or(longest).min(longest);
        evaluate(sources, deadline, move |store, limits| {
            let query = self.parse()?;
            let answer = self.evaluate(&query, store, limits).map_err(|error| refusal(&error))?;
            Ok(self.write(answer))
        })
        .await
    }

    fn parse(&self) -> Result<Query, Refusal> {
        let query = parse(&self.query)?;
        let documented = match query.expr().value_type() {
            ValueType::Vector | ValueType::Scalar => return Ok(query),
            ValueType::Matrix => "range vector",
            ValueType::String => "string",
        };
        match self.when {
            When::At(_) => Ok(query),
            When::Range { .. } => Err(Refusal::parameter(
                "query",
                format!(
                    "invalid expression type \"{documented}\" for range query, must be Scalar or instant Vector"
                ),
            )),
        }
    }

    fn evaluate(&self, query: &Query, store: &Store, limits: Limits) -> Result<Answer, EvalError> {
        let mut options = Options { limits, ..Options::default() };
        if let Some(lookback) = self.lookback {
            options.lookback = lookback;
        }
        match self.when {
            When::At(at_ms) => query.instant(store, at_ms, &options),
            When::Range { from_ms, to_ms, step_ms } => query.range(store, from_ms, to_ms, step_ms, &options),
        }
    }

    fn write(&self, answer: Answer) -> Success {
        let Answer { mut value, mut annotations } = answer;
        let limit = self.limit.unwrap_or(usize::MAX);
        let length = match &mut value {
            Value::Vector(samples) => {
                let length = samples.len();
                samples.truncate(limit);
                length
            }
            Value::Matrix(series) => {
                let length = series.len();
                series.truncate(limit);
                length
            }
            Value::Scalar(_) | Value::String { .. } => 0,
        };
        if length > limit {
            annotations.push(truncated());
        }
        Success::new(&annotations, |out| json::write_value(out, value))
    }
}

pub(super) fn truncated() -> Annotation {
    Annotation::Warning("results truncated due to limit".to_owned())
}

fn parse(text: &str) -> Result<Query, Refusal> {
    Query::parse(text).map_err(|error| {
        // What upstream finds as late as when it evaluates comes without these words.
        if error.message.contains("parse error: ") {
            Refusal::parameter("query", error.message)
        } else {
            Refusal::new(Kind::Execution, error.message)
        }
    })
}

fn refusal(error: &EvalError) -> Refusal {
    match error {
        EvalError::Timeout => timed_out("expression evaluation"),
        EvalError::Cancelled => Refusal::new(Kind::Canceled, "query was canceled in expression evaluation"),
        EvalError::Source(error) => Refusal::new(Kind::Internal, error.to_string()),
        EvalError::Invalid(_) | EvalError::TooManyPoints(_) => {
            Refusal::new(Kind::Execution, error.to_string())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::v1::form::tests::form;

    fn asked(when: When) -> Asked {
        Asked { query: "up".to_owned(), when, limit: None, timeout: None, lookback: None }
    }

    #[test]
    fn a_moment_has_limits_beside_it() {
        let at = |query: &str| Asked::at_a_moment(&form(query));
        assert_eq!(at("query=up&time=1.5"), Ok(asked(When::At(1_500))));
        assert_eq!(
            at("query=up&time=1970-01-01T00:00:01Z&timeout=1m&lookback_delta=2.5&limit=3&stats=all&other=1"),
            Ok(Asked {
                limit: Some(3),
                timeout: Some(Duration::from_secs(60)),
                lookback: Some(Duration::from_millis(2_500)),
                ..asked(When::At(1_000))
            })
        );
        let given_up = at("query=up&time=1&timeout=-1&lookback_delta=-1");
        assert_eq!(given_up, Ok(Asked { timeout: Some(Duration::ZERO), ..asked(When::At(1_000)) }));
        for (query, message) in [
            ("timeout=soon", "invalid parameter \"timeout\": cannot parse \"soon\" to a valid duration"),
            (
                "lookback_delta=soon",
                "error parsing lookback delta duration: cannot parse \"soon\" to a valid duration",
            ),
        ] {
            assert_eq!(at(query), Err(Refusal::bad_data(message)));
        }
        let before = now_ms();
        let Ok(Asked { when: When::At(now), .. }) = at("query=up") else { panic!("no moment") };
        assert!((before..=now_ms()).contains(&now));
    }

    #[test]
    fn a_range_has_at_most_so_many_steps() {
        let range = |start, end, step| {
            Asked::over_time(&form(&format!("query=up&start={start}&end={end}&step={step}")))
                .map(|asked| asked.when)
                .map_err(|refusal| refusal.message)
        };
        let when = |from_ms, to_ms, step_ms| Ok(When::Range { from_ms, to_ms, step_ms });
        assert_eq!(range("1", "2.5", "500ms"), when(1_000, 2_500, 500));
        assert_eq!(range("1", "1", "0.0001"), when(1_000, 1_000, 1));
        assert_eq!(range("0", "11000.999", "1"), when(0, 11_000_999, 1_000));
        let many = "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)";
        for (start, end, step, expected) in [
            ("0", "11001", "1", many),
            ("-1e300", "1e300", "1", many),
            ("", "1", "1", "invalid parameter \"start\": cannot parse \"\" to a valid timestamp"),
            ("2", "1", "1", "invalid parameter \"end\": end timestamp must not be before start time"),
            ("1", "2", "", "invalid parameter \"step\": cannot parse \"\" to a valid duration"),
            (
                "1",
                "2",
                "0",
                "invalid parameter \"step\": zero or negative query resolution step widths are not accepted. Try a positive integer",
            ),
        ] {
            assert_eq!(range(start, end, step), Err(expected.to_owned()));
        }
    }

    #[test]
    fn results_are_cut_off_at_the_limit_and_say_so() {
        let vector = |length: usize| {
            let sample = crate::promql::Sample {
                labels: crate::labels::Labels::empty(),
                point: crate::promql::Point { at_ms: 0, value: 1.0 },
            };
            Answer { value: Value::Vector(vec![sample; length]), annotations: Vec::new() }
        };
        let limited = Asked { limit: Some(2), ..asked(When::At(0)) };
        let warned = [truncated()];
        for (length, written, annotations) in [(1, 1, [].as_slice()), (2, 2, &[]), (3, 2, &warned)] {
            let expected = Success::new(annotations, |out| json::write_value(out, vector(written).value));
            assert_eq!(limited.write(vector(length)), expected);
        }
    }

    #[test]
    fn why_there_is_no_result_has_its_kind() {
        let kind = |error: EvalError| refusal(&error).kind;
        assert_eq!(kind(EvalError::Timeout), Kind::Timeout);
        assert_eq!(kind(EvalError::Cancelled), Kind::Canceled);
        assert_eq!(kind(EvalError::TooManyPoints(1)), Kind::Execution);
        assert_eq!(kind(EvalError::Invalid("x".to_owned())), Kind::Execution);
        assert_eq!(kind(crate::promql::SourceError("x".to_owned()).into()), Kind::Internal);
    }
}

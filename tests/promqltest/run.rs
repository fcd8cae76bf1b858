//! Runs a case as Prometheus' own runner does: an instant query once as it stands, once as the middle step of a range
//! query, and both again with its selectors pinned by `@` and evaluated at other times.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::LazyLock;

use loadgate::promql::{Answer, Options, Point, Query, Sample, Value};
use regex::Regex;

use crate::check::{self, Difference};
use crate::pinned::{Pinned, pin};
use crate::script::{Action, Eval, Steps, When, read};
use crate::skip::{self, Skip};
use crate::storage::Storage;

/// What came of a file.
#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) passed: usize,
    pub(crate) failed: Vec<Failure>,
    pub(crate) skipped: Vec<Skipped>,
    /// Queries that were not run again, pinned, since the parser cannot write them.
    pub(crate) unpinned: usize,
}

pub(crate) struct Skipped {
    /// From 1.
    pub(crate) line: usize,
    pub(crate) case: String,
    pub(crate) why: Skip,
}

pub(crate) struct Failure {
    /// From 1.
    pub(crate) line: usize,
    pub(crate) case: String,
    /// Which of the runs of a case it was.
    pub(crate) run: String,
    pub(crate) difference: Difference,
}

enum Outcome {
    Passed { pinned: bool },
    Failed { run: String, difference: Difference },
    Skipped(Skip),
}

pub(crate) fn file(text: &str) -> Tally {
    let mut tally = Tally::default();
    let mut storage = Storage::default();
    for command in read(text) {
        match command.action {
            Action::Clear => storage = Storage::default(),
            Action::Load(load) => storage.load(&load),
            Action::Unreadable(why) => tally.failed.push(Failure {
                line: command.line,
                case: "unreadable".to_owned(),
                run: "as written".to_owned(),
                difference: Difference { expected: "a command".to_owned(), got: why },
            }),
            Action::Eval(eval) => match case(&storage, &eval) {
                Outcome::Passed { pinned } => {
                    tally.passed += 1;
                    tally.unpinned += usize::from(!pinned);
                }
                Outcome::Skipped(why) => {
                    tally.skipped.push(Skipped { line: command.line, case: eval.text, why });
                }
                Outcome::Failed { run, difference } => {
                    tally.failed.push(Failure { line: command.line, case: eval.text, run, difference });
                }
            },
        }
    }
    tally
}

fn case(storage: &Storage, eval: &Eval) -> Outcome {
    if let Some(skip) = skip::of_text(eval) {
        return Outcome::Skipped(skip);
    }
    let mut once = Runs { storage, eval, run: "as written".to_owned() };
    storage.take_asked();
    let first = once.written();
    if let Some(skip) = skip::of_asked(storage.take_asked()) {
        return Outcome::Skipped(skip);
    }
    match first.and_then(|()| once.again()) {
        Ok(pinned) => Outcome::Passed { pinned },
        Err(difference) => Outcome::Failed { run: once.run, difference },
    }
}

/// The runs of one case; stops at the first that differs.
struct Runs<'a> {
    storage: &'a Storage,
    eval: &'a Eval,
    run: String,
}

/// What answers differently in a range query than in an instant query.
static OF_THE_QUERY: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"(start|end|range|step)\(\)").unwrap());

/// Durations that are known only once a query is asked: none can be written beforehand.
static OF_THE_SPAN: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"(?i)(range|step)\(\)").unwrap());

impl Runs<'_> {
    fn written(&self) -> Result<(), Difference> {
        let answer = ask(self.storage, &self.eval.query, self.eval.when);
        check::outcome(&self.eval.expected, self.eval.when, &answer)
    }

    /// The other runs of an instant query; whether there were those with pinned selectors, where there can be.
    fn again(&mut self) -> Result<bool, Difference> {
        let When::Instant { at_ms } = self.eval.when else { return Ok(true) };
        self.as_middle_step(&self.eval.query, at_ms)?;
        let Ok(query) = Query::parse(&self.eval.query) else { return Ok(true) };
        if OF_THE_SPAN.is_match(&self.eval.query) {
            return Ok(false);
        }
        let pinned = match pin(&query, at_ms) {
            Pinned::Query(pinned) => pinned,
            Pinned::Unsafe => return Ok(true),
            Pinned::Unwritable => return Ok(false),
        };
        let others = if at_ms == 0 {
            vec![-1000, 0, 1000]
        } else {
            vec![-10 * at_ms, 0, at_ms / 5, at_ms, 10 * at_ms]
        };
        for other_ms in others {
            self.run = format!("pinned, {pinned}, at {other_ms} ms");
            let answer = ask(self.storage, &pinned, When::Instant { at_ms: other_ms });
            // Where other series are asked for there may be some that loadgate cannot have.
            if skip::of_asked(self.storage.take_asked()).is_none() {
                check::outcome(&self.eval.expected, self.eval.when, &answer)?;
                self.as_middle_step(&pinned, other_ms)?;
            }
        }
        Ok(true)
    }

    fn as_middle_step(&mut self, query: &str, at_ms: i64) -> Result<(), Difference> {
        let expected = &self.eval.expected;
        let alone = expected.fail.is_some() || expected.steps.is_some() || expected.string.is_some();
        if alone || expected.ordered || OF_THE_QUERY.is_match(query) {
            return Ok(());
        }
        self.run = format!("middle step of a range query, {query}, at {at_ms} ms");
        let steps = Steps { from_ms: at_ms - 60_000, to_ms: at_ms + 60_000, step_ms: 60_000 };
        let answer = ask(self.storage, query, When::Range(steps));
        if skip::of_asked(self.storage.take_asked()).is_some() {
            return Ok(());
        }
        let when = When::Instant { at_ms };
        match answer.map(|answer| middle(answer, at_ms, expected.scalar.is_some())) {
            Ok(value) => check::value(expected, when, &value),
            Err(error) => check::outcome(expected, when, &Err(error)),
        }
    }
}

/// What a range query has at one step, as an instant query would have it.
fn middle(answer: Answer, at_ms: i64, is_scalar: bool) -> Value {
    let Value::Matrix(series) = answer.value else { return answer.value };
    let here = |points: &[Point]| points.iter().find(|point| point.at_ms == at_ms).copied();
    if let ([only], true) = (&series[..], is_scalar)
        && let Some(point) = here(&only.points)
    {
        return Value::Scalar(point);
    }
    let sample = |series: loadgate::promql::Series| {
        here(&series.points).map(|point| Sample { labels: series.labels, point })
    };
    Value::Vector(series.into_iter().filter_map(sample).collect())
}

/// Lookback and subquery step are Prometheus' defaults, names are dropped at the end: as in its own test engine.
fn ask(storage: &Storage, query: &str, when: When) -> Result<Answer, String> {
    let options = Options { delayed_name_removal: true, ..Options::default() };
    let ask = || {
        let query = Query::parse(query).map_err(|error| error.to_string())?;
        let answer = match when {
            When::Instant { at_ms } => query.instant(storage, at_ms, &options),
            When::Range(Steps { from_ms, to_ms, step_ms }) => {
                query.range(storage, from_ms, to_ms, step_ms, &options)
            }
        };
        answer.map_err(|error| error.to_string())
    };
    catch_unwind(AssertUnwindSafe(ask)).unwrap_or_else(|_| Err("panicked".to_owned()))
}

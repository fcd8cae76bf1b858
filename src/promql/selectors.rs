//! What an expression asks a source for: which selectors must match for its result to mean anything, and how far back
//! each of them looks.

use std::sync::Arc;
use std::time::Duration;

use super::plan::{
    AggregationOperator, At, Call, Input, MAX_MS, Plan, Range, Scalar, Selector, SetOperation, SetOperator,
    Shift, Vector,
};
use super::{Matcher, Options};

/// The selectors of an expression in the order of its text.
#[derive(Debug, Clone)]
pub struct Selectors {
    list: Vec<SelectorUse>,
    needs: Needs,
}

/// One selector where it stands.
#[derive(Debug, Clone)]
pub struct SelectorUse {
    /// As PromQL, without range, `offset` and `@`.
    pub text: String,
    /// That of the name first.
    pub matchers: Arc<[Matcher]>,
    /// None for an instant vector.
    pub range: Option<Duration>,
    /// Milliseconds; negative looks forward.
    pub offset_ms: i64,
    /// From the moment of evaluation back to the oldest sample that can count: range or lookback, offset, and the
    /// subqueries around it. None where `@` pins a moment.
    pub reach: Option<Duration>,
    /// Its emptiness says something: it stands in `absent()`, `absent_over_time()` or right of `unless`.
    pub may_be_empty: bool,
}

/// What must have matched.
#[derive(Debug, Clone)]
enum Needs {
    /// An index into the list.
    One(usize),
    All(Vec<Needs>),
    /// Branches of `or`: one of them suffices.
    Any(Vec<Needs>),
}

impl Selectors {
    pub fn iter(&self) -> std::slice::Iter<'_, SelectorUse> {
        self.list.iter()
    }

    /// The selectors for want of which the expression had nothing to judge; empty if it had what it needs. Of an `or`
    /// one branch is enough; if all fall short, what is missing in each of them is named.
    pub fn missing(&self, mut has_matched: impl FnMut(&SelectorUse) -> bool) -> Vec<&SelectorUse> {
        let matched: Vec<bool> = self.list.iter().map(&mut has_matched).collect();
        let mut missing = Vec::new();
        self.needs.collect_missing(&matched, &mut missing);
        missing.into_iter().map(|at| &self.list[at]).collect()
    }

    /// How far back the expression looks at most: what a store must keep for it. None where `@` pins a moment.
    pub fn reach(&self) -> Option<Duration> {
        self.list
            .iter()
            .map(|selector| selector.reach)
            .try_fold(Duration::ZERO, |longest, reach| Some(longest.max(reach?)))
    }
}

impl<'a> IntoIterator for &'a Selectors {
    type Item = &'a SelectorUse;
    type IntoIter = std::slice::Iter<'a, SelectorUse>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl Needs {
    fn collect_missing(&self, matched: &[bool], missing: &mut Vec<usize>) {
        match self {
            Needs::One(at) => missing.extend((!matched[*at]).then_some(*at)),
            Needs::All(parts) => parts.iter().for_each(|part| part.collect_missing(matched, missing)),
            Needs::Any(branches) => {
                let mut of_branches = Vec::new();
                for branch in branches {
                    let before = of_branches.len();
                    branch.collect_missing(matched, &mut of_branches);
                    if of_branches.len() == before {
                        return;
                    }
                }
                missing.extend(of_branches);
            }
        }
    }
}

pub(super) fn selectors(plan: &Plan, options: &Options) -> Selectors {
    let ms = |duration: Duration| i64::try_from(duration.as_millis()).unwrap_or(i64::MAX).min(MAX_MS);
    let mut walk = Walk { list: Vec::new(), lookback_ms: ms(options.lookback) };
    let around = Around { back_ms: Some(0), may_be_empty: false };
    let needs = match plan {
        Plan::Scalar(scalar) => walk.scalar(scalar, around),
        Plan::Vector(vector) => walk.vector(vector, around),
        Plan::Range(range) => walk.range(range, around),
        Plan::Text(_) => Needs::All(Vec::new()),
    };
    Selectors { list: walk.list, needs }
}

struct Walk {
    list: Vec<SelectorUse>,
    lookback_ms: i64,
}

/// What the surroundings of a node do to it.
#[derive(Clone, Copy)]
struct Around {
    /// How much earlier than the query it is evaluated at most; none where `@` pins a moment.
    back_ms: Option<i64>,
    may_be_empty: bool,
}

impl Around {
    /// `@ start()` and `@ end()` are the moment itself as rules are evaluated.
    fn shifted(self, shift: &Shift) -> Option<i64> {
        match shift.at {
            None => self.back_ms.map(|back_ms| back_ms + shift.offset_ms),
            Some(At::Start | At::End) => Some(shift.offset_ms),
            Some(At::Moment(_)) => None,
        }
    }

    fn ignored(self) -> Self {
        Around { may_be_empty: true, ..self }
    }
}

impl Walk {
    fn selector(&mut self, selector: &Selector, range_ms: Option<i64>, around: Around) -> Needs {
        let length_ms = range_ms.unwrap_or(self.lookback_ms);
        let duration = |ms: i64| Duration::from_millis(u64::try_from(ms).unwrap_or(0));
        self.list.push(SelectorUse {
            text: selector.text.clone(),
            matchers: Arc::clone(&selector.matchers),
            range: range_ms.map(duration),
            offset_ms: selector.shift.offset_ms,
            reach: around.shifted(&selector.shift).map(|back_ms| duration(back_ms + length_ms)),
            may_be_empty: around.may_be_empty,
        });
        if around.may_be_empty { Needs::All(Vec::new()) } else { Needs::One(self.list.len() - 1) }
    }

    fn scalar(&mut self, scalar: &Scalar, around: Around) -> Needs {
        match scalar {
            Scalar::Number(_) | Scalar::Time => Needs::All(Vec::new()),
            Scalar::Negated(of) | Scalar::Fixed(of) => self.scalar(of, around),
            Scalar::Pair(pair) => {
                Needs::All(vec![self.scalar(&pair.left, around), self.scalar(&pair.right, around)])
            }
            Scalar::Of(of) => self.vector(of, around),
        }
    }

    fn vector(&mut self, vector: &Vector, around: Around) -> Needs {
        match vector {
            Vector::Selector(selector) | Vector::TakenAt(selector) => self.selector(selector, None, around),
            Vector::Negated(of) | Vector::EvaluatedAt(of) | Vector::Fixed(of) => self.vector(of, around),
            Vector::WithScalar(operation) => {
                let (vector, scalar) = (&operation.vector, &operation.scalar);
                if operation.scalar_first {
                    Needs::All(vec![self.scalar(scalar, around), self.vector(vector, around)])
                } else {
                    Needs::All(vec![self.vector(vector, around), self.scalar(scalar, around)])
                }
            }
            Vector::Matched(operation) => {
                Needs::All(vec![self.vector(&operation.left, around), self.vector(&operation.right, around)])
            }
            Vector::Set(operation) => self.set(operation, around),
            Vector::Aggregation(aggregation) => {
                let param = match &aggregation.operator {
                    AggregationOperator::Quantile(param)
                    | AggregationOperator::Top(param)
                    | AggregationOperator::Bottom(param) => self.scalar(param, around),
                    _ => Needs::All(Vec::new()),
                };
                Needs::All(vec![param, self.vector(&aggregation.over, around)])
            }
            Vector::Call(call) => self.call(call, around),
            Vector::Of(of) => self.scalar(of, around),
            Vector::Absent(of, _) => self.vector(of, around.ignored()),
            Vector::AbsentOverTime(range, _) => self.range(range, around.ignored()),
        }
    }

    fn set(&mut self, operation: &SetOperation, around: Around) -> Needs {
        let left = self.vector(&operation.left, around);
        match operation.operator {
            SetOperator::And => Needs::All(vec![left, self.vector(&operation.right, around)]),
            SetOperator::Or => Needs::Any(vec![left, self.vector(&operation.right, around)]),
            SetOperator::Unless => {
                self.vector(&operation.right, around.ignored());
                left
            }
        }
    }

    fn call(&mut self, call: &Call, around: Around) -> Needs {
        let mut needs = vec![match &call.input {
            Input::Vector(of) | Input::Labels(of, _) => self.vector(of, around),
            Input::Range(range) => self.range(range, around),
        }];
        needs.extend(call.scalars.iter().map(|scalar| self.scalar(scalar, around)));
        Needs::All(needs)
    }

    fn range(&mut self, range: &Range, around: Around) -> Needs {
        match range {
            Range::Selector { selector, range_ms } => self.selector(selector, Some(*range_ms), around),
            Range::Subquery(subquery) => {
                let back_ms = around.shifted(&subquery.shift).map(|back_ms| back_ms + subquery.range_ms);
                self.vector(&subquery.of, Around { back_ms, ..around })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::promql::{Options, Query};

    /// The texts of the missing selectors if only those named have matched.
    #[track_caller]
    fn check_missing(text: &str, matched: &[&str], expected: &[&str]) {
        let selectors = Query::parse(text).unwrap().selectors(&Options::default());
        let missing = selectors.missing(|selector| matched.contains(&selector.text.as_str()));
        let missing: Vec<&str> = missing.iter().map(|selector| selector.text.as_str()).collect();
        assert_eq!(missing, expected, "{text} with {matched:?}");
    }

    #[test]
    fn what_never_matched_is_missing_unless_its_emptiness_says_something() {
        check_missing("a > 1", &[], &["a"]);
        check_missing("a > 1", &["a"], &[]);
        check_missing("a / b", &["a"], &["b"]);
        check_missing("rate(a{x=\"1\"}[5m] offset 1m) > 1", &[], &["a{x=\"1\"}"]);
        check_missing("absent(a)", &[], &[]);
        check_missing("absent_over_time(a[5m]) and b", &[], &["b"]);
        check_missing("a unless b", &["a"], &[]);
        check_missing("a unless b", &["b"], &["a"]);
        check_missing("absent(a unless b or c)", &[], &[]);
        check_missing("scalar(a) > bool 1", &[], &["a"]);
        check_missing("vector(1)", &[], &[]);
        check_missing("topk(scalar(a), b)", &["b"], &["a"]);
        check_missing("max_over_time(sum(a)[5m:1m])", &[], &["a"]);
    }

    #[test]
    fn of_the_branches_of_or_one_is_enough() {
        check_missing("a or b", &["b"], &[]);
        check_missing("a or b", &["a"], &[]);
        check_missing("a or b", &[], &["a", "b"]);
        check_missing("a or b or c", &["c"], &[]);
        check_missing("(a and b) or c", &["a"], &["b", "c"]);
        check_missing("(a and b) or c", &["a", "b"], &[]);
        check_missing("a or vector(0)", &[], &[]);
        check_missing("a + (b or c)", &["c"], &["a"]);
    }

    #[test]
    fn a_selector_is_listed_with_all_that_is_said_of_it() {
        let query = Query::parse("sum(rate(a{b=~\"c|d\"}[5m] offset -1m)) unless {e=\"f\"}").unwrap();
        let selectors = query.selectors(&Options::default());
        let [a, e] = &selectors.iter().collect::<Vec<_>>()[..] else { panic!("{selectors:?}") };
        assert_eq!((a.text.as_str(), a.offset_ms, a.may_be_empty), ("a{b=~\"c|d\"}", -60_000, false));
        assert_eq!(a.range.map(|range| range.as_secs()), Some(300));
        assert_eq!(
            a.matchers.iter().map(|matcher| matcher.label.as_str()).collect::<Vec<_>>(),
            ["__name__", "b"]
        );
        assert_eq!((e.text.as_str(), e.range, e.may_be_empty), ("{e=\"f\"}", None, true));
    }

    #[test]
    fn reach_adds_up_what_looks_back() {
        for (text, secs) in [
            ("a", Some(300)),
            ("a offset 1h", Some(3900)),
            ("rate(a[1m])", Some(60)),
            ("rate(a[1m] offset 2m)", Some(180)),
            ("rate(a[10m] offset -2m)", Some(480)),
            ("max_over_time(rate(a[1m])[1h:10s] offset 5m)", Some(3960)),
            ("max_over_time(max_over_time(a[1h:])[2h:])", Some(11_100)),
            ("rate(a[1m]) + b", Some(300)),
            ("a @ end()", Some(300)),
            ("a @ 100", None),
            ("1", Some(0)),
        ] {
            let reach = Query::parse(text).unwrap().selectors(&Options::default()).reach();
            assert_eq!(reach.map(|reach| reach.as_secs()), secs, "{text}");
        }
    }
}

//! Selectors, durations and moments.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use promql_parser::label::{self, MatchOp};
use promql_parser::parser::{AtModifier, Offset, VectorSelector};

use super::{At, Selector, Shift};
use crate::labels::Labels;
use crate::promql::{MatchKind, Matcher};

/// Some 9,000 years: sums of times stay far from overflow.
pub(in crate::promql) const MAX_MS: i64 = 1 << 48;

pub(super) fn selector(selector: &VectorSelector) -> Result<Selector, String> {
    let shift = shift(selector.at.as_ref(), selector.offset.as_ref())?;
    let text = VectorSelector { at: None, offset: None, ..selector.clone() }.to_string();
    Ok(Selector { matchers: matchers(selector)?, shift, text })
}

/// The name comes first.
fn matchers(selector: &VectorSelector) -> Result<Arc<[Matcher]>, String> {
    if !selector.matchers.or_matchers.is_empty() {
        return Err("`or` between matchers is not PromQL: write two selectors joined by `or`".to_owned());
    }
    let name = selector.name.iter().map(|name| Ok(Matcher::equal("__name__", name)));
    let others = selector.matchers.matchers.iter().map(matcher);
    name.chain(others).collect()
}

fn matcher(matcher: &label::Matcher) -> Result<Matcher, String> {
    let kind = match matcher.op {
        MatchOp::Equal => MatchKind::Equal,
        MatchOp::NotEqual => MatchKind::NotEqual,
        MatchOp::Re(_) => MatchKind::Regex,
        MatchOp::NotRe(_) => MatchKind::NotRegex,
    };
    Matcher::new(&matcher.name, kind, &matcher.value)
}

/// The labels that an absent series would have: those that matchers give one value each.
pub(super) fn labels_of_absent(selector: &Selector) -> Labels {
    let asked = |name: &str| selector.matchers.iter().filter(|matcher| matcher.label == name).count();
    Labels::new(
        selector
            .matchers
            .iter()
            .filter(|matcher| matcher.label != "__name__" && matcher.kind == MatchKind::Equal)
            .filter(|matcher| asked(&matcher.label) == 1)
            .map(|matcher| (matcher.label.as_str(), matcher.value.as_str())),
    )
}

pub(super) fn shift(at: Option<&AtModifier>, offset: Option<&Offset>) -> Result<Shift, String> {
    let at = match at {
        None => None,
        Some(AtModifier::Start) => Some(At::Start),
        Some(AtModifier::End) => Some(At::End),
        Some(AtModifier::At(moment)) => Some(At::Moment(moment_ms(*moment)?)),
    };
    let offset_ms = match offset {
        None => 0,
        Some(Offset::Pos(offset)) => ms(offset)?,
        Some(Offset::Neg(offset)) => -ms(offset)?,
    };
    Ok(Shift { at, offset_ms })
}

pub(super) fn positive_ms(duration: &Duration) -> Result<i64, String> {
    match ms(duration)? {
        0 => Err("duration must be greater than 0".to_owned()),
        ms => Ok(ms),
    }
}

fn ms(duration: &Duration) -> Result<i64, String> {
    i64::try_from(duration.as_millis())
        .ok()
        .filter(|ms| *ms < MAX_MS)
        .ok_or_else(|| "duration out of range".to_owned())
}

fn moment_ms(moment: SystemTime) -> Result<i64, String> {
    let signed = match moment.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(after) => ms(&after),
        Err(before) => ms(&before.duration()).map(|ms| -ms),
    };
    signed.map_err(|_| "timestamp out of bounds for @ modifier".to_owned())
}

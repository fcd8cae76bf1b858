//! What a threshold is called as an alert: `HttpReqDurationP95TooHigh`.

use crate::config::Comparison;
use crate::rules::{Aggregation, Level, Threshold};

pub(super) fn alert_name(threshold: &Threshold) -> String {
    if let Some(objective) = &threshold.objective {
        let what = match objective.level {
            Level::Target => "Degraded",
            Level::Critical => "Failed",
        };
        return format!("{}{what}", camel(&objective.name));
    }
    let subject = threshold.name.split('{').next().unwrap_or_default();
    let aggregation = match threshold.aggregation {
        Aggregation::Count => "Count".to_owned(),
        Aggregation::Rate => "Rate".to_owned(),
        Aggregation::Value => "Value".to_owned(),
        Aggregation::Avg => "Avg".to_owned(),
        Aggregation::Min => "Min".to_owned(),
        Aggregation::Max => "Max".to_owned(),
        Aggregation::Quantile(quantile) => format!("P{}", percent(quantile)).replace('.', "_"),
    };
    let how = match threshold.comparison {
        Comparison::Less | Comparison::LessOrEqual => "TooHigh",
        Comparison::Greater | Comparison::GreaterOrEqual => "TooLow",
        Comparison::Equal => "Differs",
        Comparison::NotEqual => "Forbidden",
    };
    format!("{}{aggregation}{how}", camel(subject))
}

/// 99.9 of 0.999, which `0.999 * 100.0` is not.
pub(super) fn percent(quantile: f64) -> f64 {
    (quantile * 1e12).round() / 1e10
}

fn camel(name: &str) -> String {
    let words = name.split(|character: char| !character.is_ascii_alphanumeric());
    let capital = |word: &str| {
        let mut letters = word.chars();
        letters.next().map(|first| format!("{}{}", first.to_ascii_uppercase(), letters.as_str()))
    };
    words.filter_map(capital).collect()
}

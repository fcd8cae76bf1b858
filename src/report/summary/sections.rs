//! The metrics by section: CUSTOM, HTTP, EXECUTION, NETWORK, and one for each further protocol.

use super::super::clean::clean;
use super::super::observed::{Observed, Values};
use super::super::paint::Paint;
use super::super::{Finished, TrendStat, number};
use super::table::{Columns, Row, Table};
use super::{SummaryOptions, causes, generator};
use crate::metric::{Definition, PROTOCOLS, Protocol, Unit};

const CUSTOM: &str = "CUSTOM";

/// Titles by the first word of a built-in metric's name that is no protocol's, in the order in which they are shown.
/// A word that is not here is its own title, and comes last.
const TITLES: [(&str, &str); 9] = [
    ("dropped", "EXECUTION"),
    ("group", "EXECUTION"),
    ("interrupted", "EXECUTION"),
    ("iteration", "EXECUTION"),
    ("iterations", "EXECUTION"),
    ("vus", "EXECUTION"),
    ("data", "NETWORK"),
    ("event", "EVENTS"),
    ("events", "EVENTS"),
];

/// Adds every section that has something to show. Checks and the generator's own metrics stand elsewhere.
pub(super) fn add(
    table: &mut Table,
    finished: &Finished,
    metrics: &[Observed<'_>],
    options: &SummaryOptions,
    paint: Paint,
) {
    let mut shown: Vec<&Observed<'_>> = metrics
        .iter()
        .filter(|metric| metric.is_worth_showing() || has_shown_part(metric, metrics))
        .filter(|metric| metric.definition.name != "checks" && !generator::is_its_own(metric.definition))
        .collect();
    shown.sort_by_cached_key(|metric| order(metric));
    let mut current = None;
    for metric in shown {
        let title = title(metric.definition);
        if current.as_ref() != Some(&title) {
            table.section(paint.title(&title));
            current = Some(title);
        }
        table.row(row(metric, &options.trend_stats));
        if metric.tags.is_none() {
            causes::add(table, finished, metric);
        }
    }
}

/// A sub-metric is never shown without its metric.
fn has_shown_part(metric: &Observed<'_>, metrics: &[Observed<'_>]) -> bool {
    metrics.iter().any(|part| part.tags.is_some() && part.definition.name == metric.name)
}

/// A metric as one row; a sub-metric is indented under its metric.
pub(super) fn row(metric: &Observed<'_>, trend_stats: &[TrendStat]) -> Row {
    let name = match &metric.tags {
        Some(tags) => format!("  {{ {} }}", clean(tags)),
        None => metric.name.clone(),
    };
    let unit = metric.definition.unit;
    let value = |value| number::value(value, unit);
    let (columns, cells) = match &metric.values {
        None => (Columns::Plain, vec!["no data".to_owned()]),
        Some(Values::Counter { count, per_sec }) => {
            (Columns::Plain, vec![value(*count), format!("{}/s", value(*per_sec))])
        }
        Some(Values::Gauge { value: now, min, max }) => {
            let cells = vec![value(*now), format!("min={}", value(*min)), format!("max={}", value(*max))];
            (Columns::Plain, cells)
        }
        Some(Values::Rate { nonzero, all }) => {
            (Columns::Plain, vec![number::share_of(*nonzero, *all), format!("{nonzero} out of {all}")])
        }
        Some(Values::Trend(trend)) => {
            let cell = |stat: &TrendStat| {
                let unit = if *stat == TrendStat::Count { Unit::Plain } else { unit };
                format!("{stat}={}", number::value(trend.stat(*stat), unit))
            };
            (Columns::Trend, trend_stats.iter().map(cell).collect())
        }
    };
    Row { name, columns, cells }
}

fn title(definition: &Definition) -> String {
    if definition.custom {
        return CUSTOM.to_owned();
    }
    let word = first_word(definition);
    let known = titles().find(|(known, _)| *known == word);
    known.map_or_else(|| word.to_uppercase(), |(_, title)| title.to_owned())
}

/// By section, then by name; the time from when an exchange was due stands right under its duration.
fn order(metric: &Observed<'_>) -> (usize, String, String, Option<String>) {
    let definition = metric.definition;
    let title = title(definition);
    let section = match titles().position(|(_, known)| known == title) {
        _ if definition.custom => 0,
        Some(at) => at + 1,
        None => usize::MAX,
    };
    let name = definition.name.replace("_response_time", "_duration_response");
    (section, title, name, metric.tags.clone())
}

/// The first protocol, the run itself, the other protocols.
fn titles() -> impl Iterator<Item = (&'static str, &'static str)> {
    let (first, others) = PROTOCOLS.split_at(1);
    let titled = |protocol: &'static Protocol| (protocol.word, protocol.title);
    first.iter().map(titled).chain(TITLES).chain(others.iter().map(titled))
}

fn first_word(definition: &Definition) -> &str {
    definition.name.split('_').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::Catalog;

    #[test]
    fn every_builtin_metric_has_a_section_and_an_unknown_protocol_its_own() {
        for (name, expected) in [
            ("http_req_duration", "HTTP"),
            ("iteration_response_time", "EXECUTION"),
            ("vus_max", "EXECUTION"),
            ("data_sent", "NETWORK"),
            ("ws_first_message", "WEBSOCKET"),
        ] {
            let catalog = Catalog::default();
            let definition = catalog.definition(catalog.find(name).unwrap());
            assert_eq!(title(definition), expected, "{name}");
            let named =
                |name: &str, custom| Definition { name: name.to_owned(), custom, ..definition.clone() };
            assert_eq!(title(&named("grpc_reqs", false)), "GRPC");
            assert_eq!(title(&named("http_something", true)), "CUSTOM");
        }
    }
}

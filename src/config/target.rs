//! What is observed of the target: scrapes and probes.

use std::time::Duration;

use serde_json::Value as Json;

use super::At;
use super::fields::{Element, Fields, Reader, Value};
use super::node::Node;
use super::schema::Schemas;
use super::value::{AtLeast, Constant, MetricName, PlainHttpUrl, Table, Text};

#[derive(Debug, Clone)]
pub struct ScrapeConfig {
    /// The label `job`; unique in the plan.
    pub job: At<String>,
    pub url: At<String>,
    /// Default 1 s.
    pub interval: Duration,
    /// Default half the interval; at most the interval.
    pub timeout: Duration,
}

#[derive(Debug, Clone)]
pub struct ProbeConfig {
    /// Named in thresholds.
    pub name: At<String>,
    /// A plain selector, `name{label="value"}`.
    pub query: At<String>,
    /// Default 1 s.
    pub interval: Duration,
}

impl Element for ScrapeConfig {
    const NAME: &'static str = "scrape";
    const HELP: &'static str = "An endpoint in Prometheus' format that is scraped during the run";

    fn fields(f: &mut Fields<'_>) -> Option<Self> {
        let job = f.required::<At<Constant>>("job", "The label `job` of what is scraped");
        let url = f.required::<At<PlainHttpUrl>>("url", "Where the metrics are");
        let interval = f.or::<AtLeast<10>>("interval", "How often", "1s").map(|interval| interval.0);
        let timeout =
            f.optional::<AtLeast<1>>("timeout", "How long a scrape may take; default half the interval");
        let timeout = timeout.map(|timeout| timeout.map(|timeout| timeout.0));
        if let (Some(interval), Some(Some(timeout))) = (interval, timeout)
            && timeout > interval
        {
            let help = format!("expected at most the interval, {interval:?}");
            f.problem("timeout", "the timeout is longer than the interval", help);
        }
        let interval = interval?;
        Some(ScrapeConfig {
            job: job?.map(|job| job.0),
            url: url?.map(|url| url.0),
            interval,
            timeout: timeout?.unwrap_or(interval / 2),
        })
    }
}

/// A probe without its name.
struct ProbeBody {
    query: At<String>,
    interval: Duration,
}

impl Element for ProbeBody {
    const NAME: &'static str = "probe";
    const HELP: &'static str = "An expression over scraped series that is sampled during the run";

    fn fields(f: &mut Fields<'_>) -> Option<Self> {
        let query = f.required::<At<Text>>("query", "A selector such as `backend_loop_hz{job=\"backend\"}`");
        let interval = f.or::<AtLeast<10>>("interval", "How often", "1s");
        Some(ProbeBody { query: query?.map(|query| query.0), interval: interval?.0 })
    }
}

#[derive(Default)]
pub(crate) struct Probes(pub(crate) Vec<ProbeConfig>);

impl Value for Probes {
    fn expected() -> String {
        Table::<MetricName, ProbeBody>::expected()
    }

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        let table = Table::<MetricName, ProbeBody>::read(node, reader)?;
        let named = |(name, body): (At<String>, ProbeBody)| ProbeConfig {
            name,
            query: body.query,
            interval: body.interval,
        };
        Some(Probes(table.0.into_iter().map(named).collect()))
    }

    fn schema(schemas: &mut Schemas) -> Json {
        Table::<MetricName, ProbeBody>::schema(schemas)
    }
}

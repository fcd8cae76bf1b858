//! `metrics`: PromQL over the series of this run, its own and those that were scraped.

use super::{Common, Kind, QuestionConfig, Statement, common};
use crate::config::At;
use crate::config::fields::{Element, Fields, Value as _};

pub(super) const KIND: Kind = Kind {
    key: "metrics",
    help: "PromQL over this run's own series and the scraped ones",
    schema: Metrics::schema,
    read: |node, reader| {
        Metrics::read(node, reader).map(|Metrics(common, question)| common.of("metrics", question))
    },
};

struct Metrics(Common, QuestionConfig);

impl Element for Metrics {
    const NAME: &'static str = "metrics";
    const HELP: &'static str = "PromQL over this run's own series and the scraped ones";

    fn fields(f: &mut Fields<'_>) -> Option<Self> {
        let query =
            f.required::<At<Statement>>("query", "PromQL that gives one number: `sum(k6_orders_total)`");
        let common = common(f);
        Some(Metrics(common?, QuestionConfig::Metrics { query: query?.map(|query| query.0) }))
    }
}

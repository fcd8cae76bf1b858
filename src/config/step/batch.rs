//! The step `batch`.

use serde_json::{Value as Json, json};

use super::super::At;
use super::super::fields::{Element, Fields, Reader, Value, Within};
use super::super::node::{Kind, Node};
use super::super::schema::Schemas;
use super::super::value::Count;
use super::{Flow, HttpConfig, StepConfig};

/// Requests that are made at the same time.
#[derive(Debug, Clone)]
pub struct BatchConfig {
    /// How many at a time (default 20).
    pub parallel: usize,
    /// How many at a time to one host and port (default 6).
    pub per_host: usize,
    pub flow: Vec<HttpConfig>,
}

impl Value for BatchConfig {
    fn expected() -> String {
        "a list of `http` steps, or `{parallel: 20, per_host: 6, flow: […]}`".to_owned()
    }

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        match &node.kind {
            Kind::Seq(_) => {
                let outside = std::mem::replace(&mut reader.within, Within::Batch);
                let flow = Flow::read(node, reader);
                reader.within = outside;
                Some(BatchConfig {
                    parallel: DEFAULT_PARALLEL,
                    per_host: DEFAULT_PER_HOST,
                    flow: requests(flow?),
                })
            }
            Kind::Map(_) => LongBatch::read(node, reader).map(|batch| batch.0),
            _ => {
                reader.unexpected(node, &Self::expected());
                None
            }
        }
    }

    fn schema(schemas: &mut Schemas) -> Json {
        json!({"anyOf": [Flow::schema(schemas), LongBatch::schema(schemas)]})
    }
}

/// k6's `batch` and `batchPerHost`.
const DEFAULT_PARALLEL: usize = 20;
const DEFAULT_PER_HOST: usize = 6;

/// The long form.
struct LongBatch(BatchConfig);

impl Element for LongBatch {
    const NAME: &'static str = "batch";
    const HELP: &'static str = "`http` steps done at the same time, over several connections";

    fn fields(f: &mut Fields<'_>) -> Option<Self> {
        let limit = |count: Count<1, 1000>| usize::try_from(count.0).unwrap_or(1);
        let parallel = f.or("parallel", "How many at a time", "20");
        let per_host = f.or("per_host", "How many at a time to one host and port", "6");
        let flow = f.required_within::<Flow>(Within::Batch, "flow", "The requests: `http` steps only");
        Some(LongBatch(BatchConfig {
            parallel: limit(parallel?),
            per_host: limit(per_host?),
            flow: requests(flow?),
        }))
    }
}

/// No other step gets through where only requests are allowed.
fn requests(flow: Flow) -> Vec<HttpConfig> {
    let http = |step: At<StepConfig>| match step.value {
        StepConfig::Http(http) => Some(*http),
        _ => None,
    };
    flow.0.into_iter().filter_map(http).collect()
}

//! What becomes of a run when the disk does not take what it says.

use serde_json::{Value as Json, json};

use crate::config::fields::{Reader, Value};
use crate::config::node::Node;
use crate::config::schema::Schemas;
use crate::config::value::word;

/// When a run's record can no longer be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnDiskError {
    /// Load goes on; what is missing makes the run inconclusive.
    Continue,
    /// The run is stopped, with its teardown and hooks.
    Stop,
}

const POLICIES: [(&str, OnDiskError); 2] = [("continue", OnDiskError::Continue), ("stop", OnDiskError::Stop)];

impl Value for OnDiskError {
    fn expected() -> String {
        "`continue` or `stop`".to_owned()
    }

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        word(node, reader, "policy", &POLICIES)
    }

    fn schema(_: &mut Schemas) -> Json {
        json!({"enum": POLICIES.map(|(word, _)| word)})
    }
}

//! What rules read and write.

use crate::labels::Labels;
use crate::promql::{Point, Source};
use crate::tsdb;

/// A source that takes points, too; a point is there for the next query at its moment.
pub trait Storage: Source {
    /// Adds a point, a staleness marker included.
    ///
    /// # Errors
    /// When the series has a later point, or another one at the same moment.
    fn append(&self, labels: &Labels, point: Point) -> Result<(), AppendError>;
}

/// Why a point was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct AppendError(pub String);

impl Storage for tsdb::Store {
    fn append(&self, labels: &Labels, point: Point) -> Result<(), AppendError> {
        tsdb::Store::append(self, labels, point);
        Ok(())
    }
}

//! What rules read and write.

use crate::labels::Labels;
use crate::promql::{Point, Source};
use crate::tsdb::{Intake, Store};

/// A source that takes points, too; a point is there for the next query at its moment.
pub trait Storage: Source {
    /// Adds a point, a staleness marker included. The same point again is no error.
    ///
    /// # Errors
    /// When the series has a later point, or another one at the same moment, or when there is no room for it.
    fn append(&self, labels: &Labels, point: Point) -> Result<(), AppendError>;
}

/// Why a point was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    #[error("out of order sample")]
    OutOfOrder,
    #[error("duplicate sample for timestamp: another rule or a scrape has given this series another value")]
    Duplicate,
    #[error("no room for another series: the store's budget is spent")]
    NoRoom,
}

impl Storage for Store {
    fn append(&self, labels: &Labels, point: Point) -> Result<(), AppendError> {
        match Store::append(self, labels, point) {
            Intake { out_of_order: 1.., .. } => Err(AppendError::OutOfOrder),
            Intake { duplicates: 1.., .. } => Err(AppendError::Duplicate),
            Intake { refused_series: 1.., .. } => Err(AppendError::NoRoom),
            Intake { .. } => Ok(()),
        }
    }
}

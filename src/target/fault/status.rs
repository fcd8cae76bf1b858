//! The status that refuses an upgrade.

use std::fmt::{self, Display};
use std::str::FromStr;

use hyper::StatusCode;

/// A final status that does not mean success: 300 to 599.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefusalStatus(StatusCode);

impl RefusalStatus {
    pub(super) const EXPECTED: &str = "an HTTP status from 300 to 599, such as 503";

    pub(super) fn code(self) -> StatusCode {
        self.0
    }
}

/// The text is not a status that refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected {}", RefusalStatus::EXPECTED)]
pub struct NotARefusal;

impl FromStr for RefusalStatus {
    type Err = NotARefusal;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let status: StatusCode = text.parse().map_err(|_| NotARefusal)?;
        if (300..600).contains(&status.as_u16()) { Ok(Self(status)) } else { Err(NotARefusal) }
    }
}

impl Display for RefusalStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str())
    }
}

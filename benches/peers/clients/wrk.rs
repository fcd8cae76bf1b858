//! wrk: one thread, closed loop only.

use std::process::Command;

use super::{Reported, cannot};
use crate::Result;
use crate::load::{Load, Shape};
use crate::process::Finished;

pub(super) fn configure(load: &Load, command: &mut Command) -> Result<()> {
    let Shape::Closed { connections } = load.shape else { return Err(cannot("wrk", load)) };
    command.args(["-t1", &format!("-c{connections}"), &format!("-d{}s", load.secs()), &load.url()]);
    Ok(())
}

/// `  1640213 requests in 10.00s, 245.60MB read`
pub(super) fn read(finished: &Finished) -> Result<Reported> {
    let line = finished.output.lines().find(|line| line.contains(" requests in "));
    let count = line.and_then(|line| line.split_whitespace().next()).ok_or("no line of requests")?;
    Ok(Reported { exchanges: count.parse()?, ..Reported::default() })
}

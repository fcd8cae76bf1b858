//! A body that is kept while it comes in: within a limit of its own, and paid for from the process' budget.

use bytes::Bytes;

use crate::budget::{Charge, Purse};
use crate::sample::ErrorCode;

#[derive(Debug)]
pub(super) struct Body<'a> {
    bytes: Vec<u8>,
    limit: usize,
    charge: Charge,
    purse: &'a Purse,
}

impl<'a> Body<'a> {
    /// At most `limit` bytes.
    pub(super) fn new(limit: usize, purse: &'a Purse) -> Self {
        Body { bytes: Vec::new(), limit, charge: Charge::default(), purse }
    }

    /// # Errors
    /// `RESPONSE_TOO_LARGE` above its limit, `MEMORY_SPENT` above the budget's.
    pub(super) fn extend(&mut self, piece: &[u8]) -> Result<(), ErrorCode> {
        let needed = self.bytes.len() + piece.len();
        if needed > self.limit {
            return Err(ErrorCode::RESPONSE_TOO_LARGE);
        }
        if needed > self.bytes.capacity() {
            // Doubled, so that growing is cheap, but never beyond what may come.
            let room = needed.max(2 * self.bytes.capacity()).min(self.limit);
            self.charge.cover(room as u64, self.purse).map_err(|_| ErrorCode::MEMORY_SPENT)?;
            self.bytes.reserve_exact(room - self.bytes.len());
        }
        self.bytes.extend_from_slice(piece);
        Ok(())
    }

    /// The bytes, and what they cost for as long as they are held.
    pub(super) fn finish(self) -> (Bytes, Charge) {
        (self.bytes.into(), self.charge)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::budget::Budget;

    #[test]
    fn a_body_grows_up_to_its_limit_and_the_budgets() {
        let budget = Budget::new(1 << 20);
        let purse = Purse::new(&budget);
        let piece = [7; 100 << 10];
        let fill = |body: &mut Body<'_>| (0..).map(|_| body.extend(&piece)).find_map(Result::err);
        let mut small = Body::new(300 << 10, &purse);
        assert_eq!(fill(&mut small), Some(ErrorCode::RESPONSE_TOO_LARGE));
        let mut large = Body::new(10 << 20, &purse);
        assert_eq!(fill(&mut large), Some(ErrorCode::MEMORY_SPENT));
        let (bytes, charge) = small.finish();
        assert_eq!((bytes.len(), charge.held()), (300 << 10, 300 << 10));
        drop((large, charge));
        assert_eq!(Charge::default().cover(1 << 20, &purse), Ok(()), "all of it was given back");
    }
}

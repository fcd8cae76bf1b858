//! 1xx responses before the final one, of which h2 keeps no count.

use std::task::{Context, Poll};

use h2::client::ResponseFuture;

const MOST: u32 = 64;

/// How many there were.
#[derive(Debug, Default)]
pub(in crate::protocol) struct Informational(u32);

impl Informational {
    /// Takes those that came before the final response: asking for that would skip them. Whether there are not too many.
    pub(in crate::protocol) fn take(&mut self, response: &mut ResponseFuture, cx: &mut Context<'_>) -> bool {
        while let Poll::Ready(Some(Ok(_))) = response.poll_informational(cx) {
            self.0 += 1;
            if self.0 > MOST {
                return false;
            }
        }
        true
    }
}

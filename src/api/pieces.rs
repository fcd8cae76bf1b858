//! Bodies in small pieces: between two of them another thread of this core may run.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::body::{Body, HttpBody};
use axum::response::Response;
use bytes::Bytes;
use hyper::body::{Frame, SizeHint};

/// Compressed in some 0.2 ms. What comes out is no measure: a compressor takes in a megabyte of exposition before it
/// gives its first block.
const PIECE_BYTES: usize = 32 << 10;

/// For a layer inside that of the compression.
pub(super) async fn in_pieces(response: Response) -> Response {
    response.map(|whole| Body::new(Pieces { whole, rest: Bytes::new() }))
}

struct Pieces {
    whole: Body,
    rest: Bytes,
}

impl HttpBody for Pieces {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if self.rest.is_empty() {
            match ready!(Pin::new(&mut self.whole).poll_frame(context)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => self.rest = data,
                    Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
                },
                ended => return Poll::Ready(ended),
            }
        } else {
            std::thread::yield_now();
        }
        let length = self.rest.len().min(PIECE_BYTES);
        Poll::Ready(Some(Ok(Frame::data(self.rest.split_to(length)))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.whole.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let mut hint = self.whole.size_hint();
        let rest = u64::try_from(self.rest.len()).unwrap_or(u64::MAX);
        if let Some(upper) = hint.upper() {
            hint.set_upper(upper.saturating_add(rest));
        }
        hint.set_lower(hint.lower().saturating_add(rest));
        hint
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;

    #[tokio::test]
    async fn pieces_are_small_and_together_the_whole_of_a_known_length() {
        let whole: Vec<u8> = (0..=255).cycle().take(PIECE_BYTES * 2 + 1).collect();
        let mut body = in_pieces(Response::new(Body::from(whole.clone()))).await.into_body();
        let mut together = Vec::new();
        let mut left = whole.len();
        while !body.is_end_stream() {
            assert_eq!(body.size_hint().exact(), u64::try_from(left).ok());
            let piece = body.frame().await.unwrap().unwrap().into_data().unwrap();
            assert!(!piece.is_empty() && piece.len() <= PIECE_BYTES);
            left -= piece.len();
            together.extend_from_slice(&piece);
        }
        assert_eq!(together, whole);
        assert!(body.frame().await.is_none());
    }
}

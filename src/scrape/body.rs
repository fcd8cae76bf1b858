//! A response's body within a limit, decompressed as it comes: neither what is on the wire nor what it
//! unpacks to is ever held beyond the limit.

use std::io::{self, Write};

use flate2::write::GzDecoder;
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};

use super::ScrapeError;

pub(crate) async fn read(mut body: Incoming, gzip: bool, limit: usize) -> Result<Vec<u8>, ScrapeError> {
    let too_large = ScrapeError::BodyTooLarge { limit };
    if body.size_hint().lower() > limit as u64 {
        return Err(too_large);
    }
    let within = Within { bytes: Vec::new(), limit, passed: false };
    let mut sink = if gzip { Sink::Gzip(Box::new(GzDecoder::new(within))) } else { Sink::Plain(within) };
    let mut received = 0usize;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| ScrapeError::of_http(&error))?;
        let Ok(data) = frame.into_data() else { continue }; // trailers
        received = received.saturating_add(data.len());
        if received > limit {
            return Err(too_large);
        }
        if let Err(error) = sink.write(&data) {
            return Err(if sink.passed_limit() { too_large } else { undecodable(&error) });
        }
    }
    match sink {
        Sink::Plain(within) => Ok(within.bytes),
        Sink::Gzip(mut decoder) => match decoder.try_finish() {
            Ok(()) => Ok(std::mem::take(&mut decoder.get_mut().bytes)),
            Err(_) if decoder.get_ref().passed => Err(too_large),
            Err(error) => Err(undecodable(&error)),
        },
    }
}

fn undecodable(error: &io::Error) -> ScrapeError {
    ScrapeError::Encoding(error.to_string())
}

enum Sink {
    Plain(Within),
    Gzip(Box<GzDecoder<Within>>),
}

impl Sink {
    fn write(&mut self, data: &[u8]) -> io::Result<()> {
        match self {
            Sink::Plain(within) => within.write_all(data),
            Sink::Gzip(decoder) => decoder.write_all(data),
        }
    }

    fn passed_limit(&self) -> bool {
        match self {
            Sink::Plain(within) => within.passed,
            Sink::Gzip(decoder) => decoder.get_ref().passed,
        }
    }
}

/// Bytes up to a limit; an error beyond.
struct Within {
    bytes: Vec<u8>,
    limit: usize,
    passed: bool,
}

impl Write for Within {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + data.len() > self.limit {
            self.passed = true;
            return Err(io::Error::other("beyond the limit"));
        }
        self.bytes.extend_from_slice(data);
        Ok(data.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

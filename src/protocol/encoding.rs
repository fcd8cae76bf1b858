//! Content codings (RFC 9110, section 8.4): bodies compressed and decompressed, the latter within a limit.
//! Pure: whole bodies in, whole bodies out.

use std::fmt;
use std::io::{self, BufRead, Read, Write};

use http::HeaderMap;
use http::header::CONTENT_ENCODING;

use super::body::Body;
use crate::sample::ErrorCode;

/// Of the `Content-Encoding` of a response no more than this many are undone.
const MAX_ENCODINGS: usize = 8;
/// What a zstd frame may ask for, as a power of two: 8 MiB, the most that RFC 9659 allows in HTTP.
const ZSTD_WINDOW_LOG: u32 = 23;
/// Brotli's own default is 11, which takes a hundred times as long; `br` of a web server is mostly 4 to 6.
const BROTLI_QUALITY: i32 = 5;
const BROTLI_WINDOW_LOG: i32 = 22;

/// A coding that k6 knows too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    Gzip,
    /// The zlib format, as RFC 9110 has it.
    Deflate,
    Br,
    Zstd,
}

impl Encoding {
    /// By their names.
    pub const ALL: [(&str, Encoding); 4] = [
        ("gzip", Encoding::Gzip),
        ("deflate", Encoding::Deflate),
        ("br", Encoding::Br),
        ("zstd", Encoding::Zstd),
    ];

    /// By its name in `Content-Encoding`, in any case.
    pub fn parse(name: &str) -> Option<Encoding> {
        let found = Self::ALL.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, encoding)| *encoding)
    }

    /// As in `Content-Encoding`.
    pub fn name(self) -> &'static str {
        match self {
            Encoding::Gzip => "gzip",
            Encoding::Deflate => "deflate",
            Encoding::Br => "br",
            Encoding::Zstd => "zstd",
        }
    }

    fn compress(self, body: &[u8]) -> io::Result<Vec<u8>> {
        match self {
            Encoding::Gzip => {
                let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
                writer.write_all(body)?;
                writer.finish()
            }
            Encoding::Deflate => {
                let mut writer = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
                writer.write_all(body)?;
                writer.finish()
            }
            Encoding::Br => {
                let params = brotli::enc::BrotliEncoderParams {
                    quality: BROTLI_QUALITY,
                    lgwin: BROTLI_WINDOW_LOG,
                    size_hint: body.len(),
                    ..Default::default()
                };
                let mut compressed = Vec::new();
                brotli::BrotliCompress(&mut &body[..], &mut compressed, &params)?;
                Ok(compressed)
            }
            Encoding::Zstd => zstd::encode_all(body, zstd::DEFAULT_COMPRESSION_LEVEL),
        }
    }

    fn reader<'a>(self, compressed: impl BufRead + 'a) -> io::Result<Box<dyn Read + 'a>> {
        Ok(match self {
            // Of any number of members, as in Go.
            Encoding::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(compressed)),
            Encoding::Deflate => Box::new(flate2::bufread::ZlibDecoder::new(compressed)),
            Encoding::Br => Box::new(brotli::Decompressor::new(compressed, 4 << 10)),
            Encoding::Zstd => {
                let mut decoder = zstd::Decoder::with_buffer(compressed)?;
                decoder.window_log_max(ZSTD_WINDOW_LOG)?;
                Box::new(decoder)
            }
        })
    }
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// `body` with these codings, in the order in which they are applied and `Content-Encoding` lists them.
///
/// # Errors
/// None that a body in memory could cause; the libraries' own, should there be one.
pub fn compress(encodings: &[Encoding], body: &[u8]) -> io::Result<Vec<u8>> {
    encodings.iter().try_fold(body.to_vec(), |body, encoding| encoding.compress(&body))
}

/// What `Content-Encoding` says of a body with these codings: `gzip, br`.
pub fn content_encoding(encodings: &[Encoding]) -> String {
    encodings.iter().map(|encoding| encoding.name()).collect::<Vec<_>>().join(", ")
}

/// A response's body without the codings that its headers name, put into `plain`; `None` where there are none
/// to be undone. Codings that are not ours are passed over, as in k6: the body is then what came of it.
///
/// # Errors
/// `DECOMPRESSION` for a body that is not what its headers say; `RESPONSE_TOO_LARGE` or `MEMORY_SPENT` for one
/// that is larger than `plain` may be once it is decompressed.
pub(super) fn decompress<'a>(
    headers: &HeaderMap,
    body: &[u8],
    plain: Body<'a>,
) -> Result<Option<Body<'a>>, ErrorCode> {
    if body.is_empty() || !headers.contains_key(CONTENT_ENCODING) {
        return Ok(None);
    }
    let named = headers.get_all(CONTENT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    let encodings: Vec<Encoding> =
        named.flat_map(|value| value.split(',')).filter_map(|name| Encoding::parse(name.trim())).collect();
    if encodings.is_empty() {
        return Ok(None);
    }
    if encodings.len() > MAX_ENCODINGS {
        return Err(ErrorCode::DECOMPRESSION);
    }
    // One reader on the other, so that none of them makes more than what is asked for.
    let mut reader: Box<dyn Read + '_> = Box::new(body);
    for encoding in encodings.iter().rev() {
        let buffered = io::BufReader::with_capacity(4 << 10, reader);
        reader = encoding.reader(buffered).map_err(|_| ErrorCode::DECOMPRESSION)?;
    }
    drain(reader, plain).map(Some)
}

/// What gzip made of a message, put into `plain`.
///
/// # Errors
/// As [`decompress`].
pub(super) fn gunzip<'a>(body: &[u8], plain: Body<'a>) -> Result<Body<'a>, ErrorCode> {
    let reader = Encoding::Gzip.reader(body).map_err(|_| ErrorCode::DECOMPRESSION)?;
    drain(reader, plain)
}

fn drain<'a>(mut reader: Box<dyn Read + '_>, mut plain: Body<'a>) -> Result<Body<'a>, ErrorCode> {
    let mut piece = [0; 8 << 10];
    loop {
        match reader.read(&mut piece) {
            Ok(0) => return Ok(plain),
            Ok(read) => plain.extend(&piece[..read])?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return Err(ErrorCode::DECOMPRESSION),
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;
    use crate::budget::{Budget, DEFAULT_BYTES, Purse};

    /// What the body of a response is.
    fn decompress(headers: &HeaderMap, body: Bytes, limit: usize) -> Result<Bytes, ErrorCode> {
        let purse = Purse::new(&Budget::new(DEFAULT_BYTES));
        let plain = super::decompress(headers, &body, Body::new(limit, &purse))?;
        Ok(plain.map_or(body, |plain| plain.finish().0))
    }

    fn named(encodings: &str) -> HeaderMap {
        HeaderMap::from_iter([(CONTENT_ENCODING, HeaderValue::from_str(encodings).unwrap())])
    }

    #[test]
    fn what_is_compressed_is_decompressed_to_the_same() {
        let body = "the quick brown fox ".repeat(1000);
        let mut lists: Vec<Vec<Encoding>> =
            Encoding::ALL.iter().map(|(_, encoding)| vec![*encoding]).collect();
        lists.push(vec![Encoding::Gzip, Encoding::Br, Encoding::Zstd, Encoding::Deflate]);
        for encodings in lists {
            let compressed = compress(&encodings, body.as_bytes()).unwrap();
            assert!(compressed.len() < body.len() / 10, "{encodings:?}");
            let headers = named(&content_encoding(&encodings));
            let plain = decompress(&headers, compressed.clone().into(), body.len());
            assert_eq!(plain.as_deref(), Ok(body.as_bytes()), "{encodings:?}");
            let cut = decompress(&headers, compressed[..compressed.len() / 2].to_vec().into(), body.len());
            assert_eq!(cut, Err(ErrorCode::DECOMPRESSION), "{encodings:?}");
        }
        assert_eq!(content_encoding(&[Encoding::Gzip, Encoding::Br]), "gzip, br");
    }

    #[test]
    fn codings_are_found_in_any_case_and_those_that_are_not_ours_are_passed_over() {
        let gzipped = Bytes::from(compress(&[Encoding::Gzip], b"hello").unwrap());
        for header in ["gzip", "GZip", " gzip ,", "compress, gzip", "identity,gzip"] {
            assert_eq!(
                decompress(&named(header), gzipped.clone(), 5).as_deref(),
                Ok(&b"hello"[..]),
                "{header}"
            );
        }
        assert_eq!(decompress(&named("compress"), gzipped.clone(), 5), Ok(gzipped.clone()));
        assert_eq!(decompress(&HeaderMap::new(), gzipped.clone(), 5), Ok(gzipped));
        // The answer to a HEAD names what a GET would have.
        assert_eq!(decompress(&named("gzip"), Bytes::new(), 5), Ok(Bytes::new()));
        let many = ["gzip"; 9].join(",");
        assert_eq!(decompress(&named(&many), Bytes::from_static(b"x"), 5), Err(ErrorCode::DECOMPRESSION));
    }

    #[test]
    fn a_body_that_grows_above_the_limit_is_refused_without_being_made() {
        let zeros = vec![0; 32 << 20];
        for (name, encoding) in Encoding::ALL {
            let bomb = Bytes::from(compress(&[encoding, encoding], &zeros).unwrap());
            assert!(bomb.len() < 64 << 10, "{name} {}", bomb.len());
            let headers = named(&format!("{name}, {name}"));
            assert_eq!(
                decompress(&headers, bomb.clone(), 1 << 20),
                Err(ErrorCode::RESPONSE_TOO_LARGE),
                "{name}"
            );
            assert_eq!(decompress(&headers, bomb, 32 << 20).unwrap().len(), 32 << 20, "{name}");
        }
    }

    #[test]
    fn a_zstd_frame_that_wants_a_large_window_is_refused() {
        let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
        encoder.window_log(27).unwrap();
        encoder.include_contentsize(false).unwrap();
        encoder.write_all(&vec![7; 1 << 20]).unwrap();
        let large = Bytes::from(encoder.finish().unwrap());
        assert_eq!(decompress(&named("zstd"), large, 1 << 24), Err(ErrorCode::DECOMPRESSION));
    }

    proptest! {
        #[test]
        fn garbage_is_refused_or_passed_over(
            garbage in proptest::collection::vec(any::<u8>(), 1..200),
            name in prop_oneof!["gzip", "deflate", "br", "zstd", "gzip, br", "x"],
        ) {
            if let Ok(plain) = decompress(&named(&name), garbage.into(), 1000) {
                prop_assert!(plain.len() <= 1000);
            }
        }
    }
}

//! What holds for every exchange, and the generator's own limits.

use std::time::Duration;

use serde_json::{Value as Json, json};

use super::At;
use super::fields::{Element, Fields, Reader, Value};
use super::node::Node;
use super::schema::{Schemas, or_filled};
use super::value::{AtLeast, HostName, Name, Rate, Share, Size, Table, Text, word};
use crate::protocol::KeepAlive;

/// For every exchange; a step may override.
#[derive(Debug, Clone)]
pub struct Defaults {
    /// Default 60 s.
    pub timeout: Duration,
    /// Default `loadgate/<version>`.
    pub user_agent: String,
    /// Default true: HTTP/2 where a server offers it over TLS.
    pub http2: bool,
    /// Default `vu`.
    pub keep_alive: KeepAlive,
    pub tls: TlsConfig,
    /// Host name, also `*` and how names end, to address; each with or without a port.
    pub hosts: Vec<(At<String>, At<String>)>,
    /// Default true: bodies are counted and dropped unless a step reads them.
    pub discard_bodies: bool,
    /// Default false: a VU's cookies are forgotten at each iteration.
    pub no_cookies_reset: bool,
}

#[derive(Debug, Clone, Default)]
pub struct TlsConfig {
    pub insecure_skip_verify: bool,
    /// A PEM file of authorities to trust instead of the system's.
    pub ca: Option<At<String>>,
    /// Our own certificate, for servers that ask for one.
    pub identity: Option<IdentityConfig>,
    /// Default 1.2.
    pub min_version: TlsVersion,
}

/// PEM files with the client's certificate and its key.
#[derive(Debug, Clone)]
pub struct IdentityConfig {
    pub cert: At<String>,
    pub key: At<String>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum TlsVersion {
    #[default]
    Tls12,
    Tls13,
}

#[derive(Debug, Clone)]
pub struct Limits {
    /// The most requests a second, over all scenarios; `None`: as many as there are.
    pub rps: Option<f64>,
    /// The share of due iterations that may be dropped, 0 to 1 (default 0.001).
    pub max_dropped: f64,
    /// What bodies and messages of targets may take in all (default 96 MiB).
    pub memory_bytes: u64,
}

impl Element for Defaults {
    const NAME: &'static str = "defaults";
    const HELP: &'static str = "For every exchange; a step may override";

    fn fields(f: &mut Fields<'_>) -> Option<Self> {
        let timeout = f.or::<AtLeast<1>>("timeout", "How long an exchange may take", "60s");
        let user_agent = f.or::<UserAgent>("user_agent", "The header `User-Agent`", UserAgent::DEFAULT);
        let http2 = f.or("http2", "Speak HTTP/2 with servers that offer it over TLS", "true");
        let keep_alive = f.or(
            "keep_alive",
            "How long connections are kept: for a VU's life, an iteration, or never",
            "vu",
        );
        let tls = f.or_all_defaults("tls", "How servers are verified, and what is shown to them");
        let dns = f.or_all_defaults::<Dns>("dns", "How names are resolved");
        let discard_bodies =
            f.or("discard_bodies", "Bodies are counted and dropped, except where a step reads them", "true");
        let no_cookies_reset =
            f.or("no_cookies_reset", "A VU's cookies are kept from one iteration to the next", "false");
        Some(Defaults {
            timeout: timeout?.0,
            user_agent: user_agent?.0,
            http2: http2?,
            keep_alive: keep_alive?,
            tls: tls?,
            hosts: dns?.0,
            discard_bodies: discard_bodies?,
            no_cookies_reset: no_cookies_reset?,
        })
    }
}

const KEEP_ALIVE: [(&str, KeepAlive); 3] =
    [("vu", KeepAlive::Vu), ("iteration", KeepAlive::Iteration), ("never", KeepAlive::Never)];

impl Value for KeepAlive {
    fn expected() -> String {
        "one of `vu`, `iteration`, `never`".to_owned()
    }

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        word(node, reader, "keep_alive", &KEEP_ALIVE)
    }

    fn schema(_: &mut Schemas) -> Json {
        or_filled(json!({"enum": KEEP_ALIVE.map(|(word, _)| word)}))
    }
}

struct UserAgent(String);

impl UserAgent {
    const DEFAULT: &'static str = concat!("loadgate/", env!("CARGO_PKG_VERSION"));
}

impl Value for UserAgent {
    fn expected() -> String {
        "a text that fits into a header".to_owned()
    }

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        reader.scalar(node, &Self::expected(), |scalar| {
            http::HeaderValue::from_str(&scalar.text).is_ok().then(|| UserAgent(scalar.text.clone()))
        })
    }

    fn schema(_: &mut Schemas) -> Json {
        json!({"type": "string"})
    }
}

/// Host to address.
struct Dns(Vec<(At<String>, At<String>)>);

impl Element for Dns {
    const NAME: &'static str = "dns";
    const HELP: &'static str = "How names are resolved";

    fn fields(f: &mut Fields<'_>) -> Option<Self> {
        let hosts = f.or_empty::<Table<HostName, At<Name<HostName>>>>(
            "hosts",
            "Host to address, each with or without a port; `*.example.com` is every host below it",
        );
        Some(Dns(hosts?
            .0
            .into_iter()
            .map(|(host, address)| (host, address.map(|address| address.0)))
            .collect()))
    }
}

impl Element for TlsConfig {
    const NAME: &'static str = "tls";
    const HELP: &'static str = "How servers are verified, and what is shown to them";

    fn fields(f: &mut Fields<'_>) -> Option<Self> {
        let insecure_skip_verify = f.or("insecure_skip_verify", "Take any certificate", "false");
        let ca = f.optional::<At<Text>>("ca", "A PEM file of authorities to trust instead of the system's");
        let cert = f.optional::<At<Text>>("cert", "A PEM file with the client's certificate and its chain");
        let key = f.optional::<At<Text>>("key", "A PEM file with the client certificate's key");
        let min_version = f.or("min_version", "The oldest version of TLS that is spoken", "1.2");
        for (given, missing) in [("cert", "key"), ("key", "cert")] {
            if f.has(given) && !f.has(missing) {
                let help = format!("add `{missing}`: a PEM file");
                f.problem(given, format!("`{given}` without `{missing}`"), help);
            }
        }
        Some(TlsConfig {
            insecure_skip_verify: insecure_skip_verify?,
            ca: ca?.map(|ca| ca.map(|path| path.0)),
            identity: cert?.zip(key?).map(|(cert, key)| IdentityConfig {
                cert: cert.map(|path| path.0),
                key: key.map(|path| path.0),
            }),
            min_version: min_version?,
        })
    }
}

impl Value for TlsVersion {
    fn expected() -> String {
        "`1.2` or `1.3`".to_owned()
    }

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        reader.scalar(node, &Self::expected(), |scalar| match scalar.text.as_str() {
            "1.2" => Some(TlsVersion::Tls12),
            "1.3" => Some(TlsVersion::Tls13),
            _ => None,
        })
    }

    fn schema(_: &mut Schemas) -> Json {
        or_filled(json!({"enum": ["1.2", "1.3", 1.2, 1.3]}))
    }
}

impl Element for Limits {
    const NAME: &'static str = "limits";
    const HELP: &'static str = "Of the generator, beside the daemon's";

    fn fields(f: &mut Fields<'_>) -> Option<Self> {
        let rps = f.optional::<Rate>("rps", "The most HTTP requests a second, over all scenarios");
        let max_dropped =
            f.or::<Share>("max_dropped", "Of the iterations due; above it the run is inconclusive", "0.1%");
        let memory = f.or::<Size>(
            "memory",
            "What bodies and messages may take; exchanges above it fail with 1804, and the run is inconclusive",
            "96MiB",
        );
        Some(Limits { rps: rps?.map(|rps| rps.0), max_dropped: max_dropped?.0, memory_bytes: memory?.0 })
    }
}

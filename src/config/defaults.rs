//! What holds for every exchange, and the generator's own limits.

use std::time::Duration;

use serde_json::{Value as Json, json};

use super::fields::{Element, Fields, Reader, Value};
use super::node::Node;
use super::schema::Schemas;
use super::value::{AtLeast, HostName, Name, Share, Table, Text};
use super::{At, later};

/// For every exchange; a step may override.
#[derive(Debug, Clone)]
pub struct Defaults {
    /// Default 60 s.
    pub timeout: Duration,
    /// Default `loadgate/<version>`.
    pub user_agent: String,
    pub tls: TlsConfig,
    /// Host name to address; `host` or `host:port` on both sides.
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
}

#[derive(Debug, Clone)]
pub struct Limits {
    /// The share of due iterations that may be dropped, 0 to 1 (default 0.001).
    pub max_dropped: f64,
}

impl Element for Defaults {
    const NAME: &'static str = "defaults";
    const HELP: &'static str = "For every exchange; a step may override";

    fn fields(f: &mut Fields<'_>) -> Option<Self> {
        let timeout = f.or::<AtLeast<1>>("timeout", "How long an exchange may take", "60s");
        let user_agent = f.or::<UserAgent>("user_agent", "The header `User-Agent`", UserAgent::DEFAULT);
        let tls = f.or_all_defaults("tls", "How servers are verified");
        let dns = f.or_all_defaults::<Dns>("dns", "How names are resolved");
        let discard_bodies =
            f.or("discard_bodies", "Bodies are counted and dropped, except where a step reads them", "true");
        let no_cookies_reset =
            f.or("no_cookies_reset", "A VU's cookies are kept from one iteration to the next", "false");
        Some(Defaults {
            timeout: timeout?.0,
            user_agent: user_agent?.0,
            tls: tls?,
            hosts: dns?.0,
            discard_bodies: discard_bodies?,
            no_cookies_reset: no_cookies_reset?,
        })
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
            "Host to address, each with or without a port",
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
    const HELP: &'static str = "How servers are verified";

    fn fields(f: &mut Fields<'_>) -> Option<Self> {
        let insecure_skip_verify = f.or("insecure_skip_verify", "Take any certificate", "false");
        let ca = f.optional::<At<Text>>("ca", "A PEM file of authorities to trust instead of the system's");
        f.later("cert", "A PEM file with the client's certificate", later::text);
        f.later("key", "A PEM file with the client's key", later::text);
        f.later("min_version", "The oldest version of TLS that is spoken", later::tls_version);
        Some(TlsConfig {
            insecure_skip_verify: insecure_skip_verify?,
            ca: ca?.map(|ca| ca.map(|path| path.0)),
        })
    }
}

impl Element for Limits {
    const NAME: &'static str = "limits";
    const HELP: &'static str = "Of the generator, beside the daemon's";

    fn fields(f: &mut Fields<'_>) -> Option<Self> {
        f.later("rps", "The most requests a second, over all scenarios", later::number);
        let max_dropped =
            f.or::<Share>("max_dropped", "Of the iterations due; above it the run is inconclusive", "0.1%");
        Some(Limits { max_dropped: max_dropped?.0 })
    }
}

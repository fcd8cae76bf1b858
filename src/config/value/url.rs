//! URLs of what is loaded and observed.

use serde_json::{Value as Json, json};

use super::text::{template, text};
use crate::config::fields::{Reader, Value};
use crate::config::node::Node;
use crate::config::schema::Schemas;

/// `http://` or `https://`; may hold templates.
pub(crate) struct HttpUrl(pub(crate) String);

/// `ws://` or `wss://`; may hold templates.
pub(crate) struct WebsocketUrl(pub(crate) String);

/// `grpc://` or `grpcs://`, also written as `http://` or `https://`; may hold templates.
pub(crate) struct GrpcUrl(pub(crate) String);

/// `http://` or `https://`, the same for the whole run.
pub(crate) struct PlainHttpUrl(pub(crate) String);

const HTTP: &str = "a URL such as `http://localhost:4000/health`";
const GRPC: &str = "a URL such as `grpc://localhost:50051`";
const WEBSOCKET: &str = "a URL such as `ws://localhost:4000/api/chat`";

impl Value for HttpUrl {
    fn expected() -> String {
        HTTP.to_owned()
    }

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        read(node, reader, ["http", "https"], HTTP).map(HttpUrl)
    }

    fn schema(_: &mut Schemas) -> Json {
        json!({"type": "string", "pattern": r"^(https?://|.*(\$\{|\{\{))"})
    }
}

impl Value for WebsocketUrl {
    fn expected() -> String {
        WEBSOCKET.to_owned()
    }

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        read(node, reader, ["ws", "wss"], WEBSOCKET).map(WebsocketUrl)
    }

    fn schema(_: &mut Schemas) -> Json {
        json!({"type": "string", "pattern": r"^(wss?://|.*(\$\{|\{\{))"})
    }
}

impl Value for GrpcUrl {
    fn expected() -> String {
        GRPC.to_owned()
    }

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        read(node, reader, ["grpc", "grpcs", "http", "https"], GRPC).map(GrpcUrl)
    }

    fn schema(_: &mut Schemas) -> Json {
        json!({"type": "string", "pattern": r"^((grpc|http)s?://|.*(\$\{|\{\{))"})
    }
}

impl Value for PlainHttpUrl {
    fn expected() -> String {
        HTTP.to_owned()
    }

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        let url = read(node, reader, ["http", "https"], HTTP)?;
        if url.contains("{{") {
            reader.problem(node.place, "no template can stand here", format!("expected {HTTP}"));
            return None;
        }
        Some(PlainHttpUrl(url))
    }

    fn schema(_: &mut Schemas) -> Json {
        json!({"type": "string", "pattern": r"^(https?://|.*\$\{)"})
    }
}

/// The scheme is checked wherever it is written out, the whole only where nothing is left to the run.
fn read<const N: usize>(
    node: &Node,
    reader: &mut Reader,
    schemes: [&str; N],
    expected: &str,
) -> Option<String> {
    let url = text(node, reader, expected)?;
    if !template(node, &url, reader) {
        return None;
    }
    let constant = url.split("{{").next().unwrap_or_default();
    let templated = constant.len() < url.len();
    let right = match constant.split_once("://") {
        Some((scheme, _)) if !schemes.contains(&scheme) => false,
        _ if templated => true,
        _ => url::Url::parse(&url).is_ok_and(|url| schemes.contains(&url.scheme()) && url.has_host()),
    };
    if !right {
        reader.unexpected(node, expected);
        return None;
    }
    Some(url)
}

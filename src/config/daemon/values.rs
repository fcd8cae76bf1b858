//! Values that only the daemon's file has.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde_json::{Value as Json, json};

use crate::config::At;
use crate::config::fields::{Reader, Value};
use crate::config::node::Node;
use crate::config::schema::Schemas;
use crate::protocol::AllowedTarget;

/// An address with a port.
pub(super) struct ListenAddress(pub(super) SocketAddr);

impl Value for ListenAddress {
    fn expected() -> String {
        "an address with a port such as `127.0.0.1:5665`".to_owned()
    }

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        reader.scalar(node, &Self::expected(), |scalar| {
            let text = scalar.text.as_str();
            // The one name that is an address everywhere.
            let text =
                text.strip_prefix("localhost:").map_or(text.to_owned(), |port| format!("127.0.0.1:{port}"));
            text.parse().ok().map(ListenAddress)
        })
    }

    fn schema(_: &mut Schemas) -> Json {
        json!({"type": "string", "pattern": r"^.+:[0-9]+$"})
    }
}

/// A host without port, in small letters.
pub(super) struct HostOnly(pub(super) String);

impl Value for HostOnly {
    fn expected() -> String {
        "a host without port such as `loadgate.example.com`".to_owned()
    }

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        reader.scalar(node, &Self::expected(), |scalar| {
            let host =
                url::Host::parse(&scalar.text).or_else(|_| url::Host::parse(&format!("[{}]", scalar.text)));
            host.ok().map(|host| HostOnly(host.to_string()))
        })
    }

    fn schema(_: &mut Schemas) -> Json {
        json!({"type": "string", "pattern": r"^[^\s/]+$"})
    }
}

/// A path as it is written.
pub(super) struct PathText(pub(super) String);

impl PathText {
    pub(super) fn at(path: At<PathText>) -> At<PathBuf> {
        path.map(|path| PathBuf::from(path.0))
    }
}

impl Value for PathText {
    fn expected() -> String {
        "a path, from the folder the daemon is started in".to_owned()
    }

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        if node.is_null() {
            reader.unexpected(node, &Self::expected());
            return None;
        }
        reader.scalar(node, &Self::expected(), |scalar| {
            (!scalar.text.is_empty()).then(|| PathText(scalar.text.clone()))
        })
    }

    fn schema(_: &mut Schemas) -> Json {
        json!({"type": "string", "minLength": 1})
    }
}

impl Value for AllowedTarget {
    fn expected() -> String {
        "a host, `*.` and how hosts end, an address, or a network such as `10.0.0.0/8`".to_owned()
    }

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        reader.scalar(node, &Self::expected(), |scalar| scalar.text.parse().ok())
    }

    fn schema(_: &mut Schemas) -> Json {
        json!({"type": "string", "minLength": 1, "examples": ["localhost", "*.staging.example.com", "10.0.0.0/8"]})
    }
}

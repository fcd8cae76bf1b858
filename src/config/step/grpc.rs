//! The step `grpc`.

use std::time::Duration;

use serde_json::{Value as Json, json};

use super::super::At;
use super::super::fields::{Element, Fields, Reader, Value, Within};
use super::super::node::Node;
use super::super::schema::{Schemas, or_filled};
use super::super::value::{
    AtLeast, CheckName, Constant, FilePath, GrpcUrl, HeaderName, Label, MessageSize, OneOrMany, Rule, Table,
    Template, VariableName, word,
};
use super::exchange::{Expressions, Records};
use super::{CheckConfig, Named, RecordConfig, StepConfig, wait_for};
use crate::protocol::grpc::{MAX_RECEIVE_BYTES, MAX_SEND_BYTES, Status, split};

#[derive(Debug, Clone)]
pub struct GrpcConfig {
    /// `grpc://`, `grpcs://`, `http://` or `https://`; a template.
    pub url: At<String>,
    /// `package.Service/Method`
    pub method: At<String>,
    pub schema: SchemaConfig,
    /// The label `name`; default: the method.
    pub name: Option<At<String>>,
    /// Values are templates.
    pub metadata: Vec<(At<String>, At<String>)>,
    /// `:authority`; a template.
    pub authority: Option<At<String>>,
    /// In proto3's JSON mapping; strings in them are templates.
    pub messages: Vec<At<Json>>,
    /// Default `defaults.timeout`.
    pub timeout: Option<Duration>,
    /// Default `OK`.
    pub expected_statuses: Vec<Status>,
    /// How long a server may say nothing during a call until it is asked whether it is there.
    pub keep_alive: Option<Duration>,
    pub keep_alive_timeout: Duration,
    pub max_receive_bytes: usize,
    pub max_send_bytes: usize,
    /// Of what is sent.
    pub gzip: bool,
    pub tags: Vec<(At<String>, At<String>)>,
    pub checks: Vec<CheckConfig>,
    pub capture: Vec<Named>,
    pub record: Vec<RecordConfig>,
    /// What sends and receives messages one by one, after those above.
    pub flow: Option<Vec<At<StepConfig>>>,
    /// In `preflight` only: tried again until it succeeds or this has passed.
    pub wait_for: Option<Duration>,
}

/// Where it is written down what the method takes and gives.
#[derive(Debug, Clone)]
pub enum SchemaConfig {
    /// `.proto` files, and the folders that their imports start from.
    Proto { files: Vec<At<String>>, import_paths: Vec<At<String>> },
    /// A `FileDescriptorSet`, as `protoc --descriptor_set_out --include_imports` writes it.
    Descriptors(At<String>),
    /// The server says it.
    Reflection,
}

impl Element for GrpcConfig {
    const NAME: &'static str = "grpc";
    const HELP: &'static str = "A call over gRPC";

    fn fields(f: &mut Fields<'_>) -> Option<Self> {
        let url = f.required::<At<GrpcUrl>>("url", "`grpc://` or `grpcs://`; a template");
        let method = f.required::<At<MethodName>>("method", "`package.Service/Method`");
        let schema = schema(f);
        let name = f.optional::<At<Constant>>("name", "The label `name`; default: the method");
        let metadata = f.or_empty::<Table<MetadataName, At<Template>>>("metadata", "Values are templates");
        let authority =
            f.optional::<At<Template>>("authority", "What the server is called; default: the URL's host");
        let messages = messages(f);
        let timeout = f.optional::<AtLeast<1>>(
            "timeout",
            "For the whole call; the server is told of it. Default `defaults.timeout`",
        );
        let expected_statuses =
            f.or::<OneOrMany<Status>>("expected_statuses", "Statuses that are no failure", "OK");
        let keep_alive = f.optional::<AtLeast<1>>(
            "keep_alive",
            "A server that says nothing for so long during a call is sent a ping; default: none",
        );
        let keep_alive_timeout = f.or::<AtLeast<1>>("keep_alive_timeout", "For the answer to a ping", "20s");
        if f.has("keep_alive_timeout") && !f.has("keep_alive") {
            f.problem("keep_alive_timeout", "`keep_alive_timeout` without `keep_alive`", None);
        }
        let max_receive =
            f.optional::<MessageSize>("max_receive_size", "Of a message that comes in; default 4MiB");
        let max_send = f.optional::<MessageSize>("max_send_size", "Of a message that goes out; default 4GiB");
        let compression = f.optional::<Compression>("compression", "Of what is sent");
        let tags = f.or_empty::<Table<Label, At<Constant>>>("tags", "On every series of the step");
        let checks = f.or_empty::<Expressions<CheckName>>("checks", "Name and expression, over the answer");
        let capture =
            f.or_empty::<Expressions<VariableName>>("capture", "Variable and expression, over the answer");
        let record =
            f.or_empty::<Records>("record", "A metric that takes the time, or metrics with expressions");
        let flow = f.optional_within::<Vec<At<StepConfig>>>(
            Within::Grpc,
            "flow",
            "Steps that send and receive messages one by one, after those above",
        );
        if f.has("flow") && matches!(f.surroundings(), Within::Websocket | Within::Grpc) {
            let help = "a VU has one at a time: end the flow of the first".to_owned();
            f.problem("flow", "a stream's flow inside another's", help);
        }
        let wait_for = wait_for(f);
        let bytes = |size: Option<MessageSize>, default: usize| {
            size.map_or(default, |size| usize::try_from(size.0).unwrap_or(default))
        };
        Some(GrpcConfig {
            url: url?.map(|url| url.0),
            method: method?.map(|method| method.0),
            schema: schema?,
            name: name?.map(|name| name.map(|name| name.0)),
            metadata: metadata?.into_texts(),
            authority: authority?.map(|authority| authority.map(|template| template.0)),
            messages: messages?,
            timeout: timeout?.map(|timeout| timeout.0),
            expected_statuses: expected_statuses?.0,
            keep_alive: keep_alive?.map(|after| after.0),
            keep_alive_timeout: keep_alive_timeout?.0,
            max_receive_bytes: bytes(max_receive?, MAX_RECEIVE_BYTES),
            max_send_bytes: bytes(max_send?, MAX_SEND_BYTES),
            gzip: compression?.is_some(),
            tags: tags?.into_texts(),
            checks: checks?.into_named(),
            capture: capture?.into_named(),
            record: record?.0,
            flow: flow?,
            wait_for: wait_for?,
        })
    }
}

fn schema(f: &mut Fields<'_>) -> Option<SchemaConfig> {
    let files = f.optional::<OneOrMany<At<FilePath>>>(
        "proto",
        "`.proto` files; default: the server is asked (reflection)",
    );
    let import_paths = f.or_empty::<Vec<At<FilePath>>>(
        "import_paths",
        "Folders that imports start from; default: those of the `proto` files",
    );
    let descriptors = f.optional::<At<FilePath>>(
        "descriptors",
        "A descriptor set, as `protoc --descriptor_set_out --include_imports` writes it; instead of `proto`",
    );
    f.at_most_one(&["proto", "descriptors"], "one of them");
    if f.has("import_paths") && !f.has("proto") {
        f.problem("import_paths", "`import_paths` without `proto`", None);
    }
    let texts = |paths: Vec<At<FilePath>>| paths.into_iter().map(|path| path.map(|path| path.0)).collect();
    let import_paths = texts(import_paths?);
    Some(match (files?, descriptors?) {
        (Some(files), _) => SchemaConfig::Proto { files: texts(files.0), import_paths },
        (None, Some(path)) => SchemaConfig::Descriptors(path.map(|path| path.0)),
        (None, None) => SchemaConfig::Reflection,
    })
}

/// One or several; an empty one where the plan says nothing.
fn messages(f: &mut Fields<'_>) -> Option<Vec<At<Json>>> {
    let one = f.optional::<At<Json>>(
        "message",
        "In proto3's JSON mapping; strings in it are templates. Default: empty",
    );
    let several = f.optional::<Vec<At<Json>>>("messages", "Of a stream from the client, in this order");
    f.at_most_one(&["message", "messages"], "one of them");
    let (one, several) = (one?, several?);
    Some(several.unwrap_or_else(|| one.into_iter().collect()))
}

/// `package.Service/Method`
struct MethodName(String);

impl Value for MethodName {
    fn expected() -> String {
        "a method such as `kernel.v1.Kernel/Execute`".to_owned()
    }

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        let Constant(text) = Constant::read(node, reader)?;
        match split(&text) {
            Some((service, method)) => Some(MethodName(format!("{service}/{method}"))),
            None => {
                reader.unexpected(node, &Self::expected());
                None
            }
        }
    }

    fn schema(_: &mut Schemas) -> Json {
        json!({"type": "string", "pattern": r"^/?[^/]+/[^/]+$|\$\{"})
    }
}

impl Value for Status {
    fn expected() -> String {
        "a status of gRPC such as `NOT_FOUND`".to_owned()
    }

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        let all: Vec<(&str, Status)> =
            Status::NAMES.iter().filter_map(|name| Some((*name, Status::from_name(name)?))).collect();
        word(node, reader, "status", &all)
    }

    fn schema(_: &mut Schemas) -> Json {
        or_filled(json!({"enum": Status::NAMES}))
    }
}

/// `gzip`, which is all that clients of gRPC have in common.
struct Compression;

impl Value for Compression {
    fn expected() -> String {
        "`gzip`".to_owned()
    }

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        word(node, reader, "compression", &[("gzip", ())]).map(|()| Compression)
    }

    fn schema(_: &mut Schemas) -> Json {
        or_filled(json!({"enum": ["gzip"]}))
    }
}

/// A header's name that is not gRPC's or HTTP/2's own.
struct MetadataName;

impl Rule for MetadataName {
    const EXPECTED: &'static str = "a name such as `authorization`";
    const PATTERN: &'static str = "^[0-9A-Za-z_.-]+$";

    fn holds(name: &str) -> bool {
        HeaderName::holds(name)
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-'))
    }

    fn refused(name: &str) -> Option<String> {
        let name = name.to_ascii_lowercase();
        let own =
            ["te", "content-type", "content-length", "connection", "transfer-encoding", "host", "user-agent"];
        (name.starts_with("grpc-") || own.contains(&name.as_str()))
            .then(|| format!("`{name}` is no metadata: it belongs to gRPC itself"))
    }
}

//! A method by its descriptor: JSON to its messages and back (proto3's JSON mapping).

use bytes::Bytes;
use http::uri::PathAndQuery;
use prost_reflect::prost::Message as _;
use prost_reflect::{
    DescriptorPool, DeserializeOptions, DynamicMessage, FieldDescriptor, Kind, MessageDescriptor,
    MethodDescriptor, SerializeOptions,
};
use serde_json::Value as Json;

use super::weigh;
use crate::sample::ErrorCode;
use crate::template::did_you_mean;

/// What a call needs to know of its method.
#[derive(Debug, Clone)]
pub struct Method {
    descriptor: MethodDescriptor,
    path: PathAndQuery,
}

/// Why there is no such method.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct MethodError {
    pub message: String,
    pub help: Option<String>,
}

/// What a message of proto3's JSON mapping cannot hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct MessageError {
    pub message: String,
    pub help: Option<String>,
}

/// `package.Service/Method` as a plan has it, a leading `/` aside.
pub fn split(name: &str) -> Option<(&str, &str)> {
    let (service, method) = name.strip_prefix('/').unwrap_or(name).split_once('/')?;
    (!service.is_empty() && !method.is_empty() && !method.contains('/')).then_some((service, method))
}

impl Method {
    /// `package.Service/Method` among those of `pool`.
    ///
    /// # Errors
    /// When there is none, with the names that come nearest.
    pub fn find(pool: &DescriptorPool, name: &str) -> Result<Method, MethodError> {
        let wrong = |message: String, help: Option<String>| MethodError { message, help };
        let Some((service_name, method_name)) = split(name) else {
            let help = "expected `package.Service/Method`".to_owned();
            return Err(wrong(format!("`{name}` is no method"), Some(help)));
        };
        let Some(service) = pool.get_service_by_name(service_name) else {
            let known: Vec<String> = pool.services().map(|service| service.full_name().to_owned()).collect();
            let help = near(service_name, &known);
            return Err(wrong(format!("there is no service `{service_name}`"), help));
        };
        let Some(descriptor) = service.methods().find(|method| method.name() == method_name) else {
            let known: Vec<String> = service.methods().map(|method| method.name().to_owned()).collect();
            let help = near(method_name, &known);
            return Err(wrong(format!("`{service_name}` has no method `{method_name}`"), help));
        };
        let path = PathAndQuery::try_from(format!("/{service_name}/{method_name}"));
        let path = path.map_err(|_| wrong(format!("`{name}` is no path"), None))?;
        Ok(Method { descriptor, path })
    }

    pub fn path(&self) -> &PathAndQuery {
        &self.path
    }

    pub fn is_client_streaming(&self) -> bool {
        self.descriptor.is_client_streaming()
    }

    pub fn is_server_streaming(&self) -> bool {
        self.descriptor.is_server_streaming()
    }

    /// Whether messages flow one after the other, in either direction.
    pub fn is_streaming(&self) -> bool {
        self.is_client_streaming() || self.is_server_streaming()
    }

    /// A message in protobuf's encoding. What it does not know it refuses.
    ///
    /// # Errors
    /// When the text is no JSON, or no message of this type.
    pub fn encode(&self, json: &str) -> Result<Vec<u8>, MessageError> {
        let wrong = |message: String| MessageError { message, help: None };
        let mut reader = serde_json::Deserializer::from_str(json);
        let options = DeserializeOptions::new().deny_unknown_fields(true);
        let message =
            DynamicMessage::deserialize_with_options(self.descriptor.input(), &mut reader, &options)
                .and_then(|message| reader.end().map(|()| message));
        let message = message.map_err(|error| {
            let text = error.to_string();
            let what = text.split(" at line ").next().unwrap_or(&text).to_owned();
            wrong(format!("it is no `{}`: {what}", self.descriptor.input().full_name()))
        })?;
        Ok(message.encode_to_vec())
    }

    /// As [`encode`](Self::encode), of a text whose templates are filled in: a number where the message has a text is
    /// its text, for `"{{ vu }}"` is a number.
    ///
    /// # Errors
    /// As [`encode`](Self::encode).
    pub fn encode_filled_in(&self, json: &str) -> Result<Vec<u8>, MessageError> {
        self.encode(json).or_else(|error| {
            let mut document: Json = serde_json::from_str(json).map_err(|_| error.clone())?;
            let mended = as_texts(&mut document, &self.descriptor.input());
            if mended { self.encode(&document.to_string()) } else { Err(error) }
        })
    }

    /// A message that has come in.
    ///
    /// # Errors
    /// `GRPC_BAD_MESSAGE` when it is none of this type.
    pub fn decode(&self, bytes: Bytes) -> Result<DynamicMessage, ErrorCode> {
        DynamicMessage::decode(self.descriptor.output(), bytes).map_err(|_| ErrorCode::GRPC_BAD_MESSAGE)
    }

    /// Whether `bytes` are a message of this type, and what it would take to hold it decoded, in bytes.
    ///
    /// # Errors
    /// `GRPC_BAD_MESSAGE` when they are none.
    pub fn weigh(&self, bytes: &[u8]) -> Result<u64, ErrorCode> {
        weigh::weigh(bytes, &self.descriptor.output())
    }

    /// What a document that is sent has and its message has not: only names are looked at, for values may be templates.
    ///
    /// # Errors
    /// For the first name that is not known.
    pub fn check_names(&self, document: &Json) -> Result<(), MessageError> {
        check_message(document, &self.descriptor.input())
    }
}

/// A message in proto3's JSON mapping, with the fields that have their default value, as in k6.
///
/// # Errors
/// `GRPC_BAD_MESSAGE` for what JSON cannot hold, such as an `Any` of an unknown type.
pub fn write_json(message: &DynamicMessage, out: &mut Vec<u8>) -> Result<(), ErrorCode> {
    let options = SerializeOptions::new().skip_default_fields(false);
    let mut writer = serde_json::Serializer::new(out);
    message.serialize_with_options(&mut writer, &options).map_err(|_| ErrorCode::GRPC_BAD_MESSAGE)
}

fn check_message(document: &Json, message: &MessageDescriptor) -> Result<(), MessageError> {
    // Those of Google's have forms of their own in JSON.
    let Some(members) = document.as_object().filter(|_| message.package_name() != "google.protobuf") else {
        return Ok(());
    };
    for (name, value) in members {
        let field = message.get_field_by_json_name(name).or_else(|| message.get_field_by_name(name));
        let Some(field) = field else {
            let known: Vec<String> = message.fields().map(|field| field.json_name().to_owned()).collect();
            let what = format!("`{}` has no field `{name}`", message.full_name());
            return Err(MessageError { message: what, help: near(name, &known) });
        };
        check_field(value, &field)?;
    }
    Ok(())
}

fn check_field(value: &Json, field: &FieldDescriptor) -> Result<(), MessageError> {
    let Kind::Message(message) = field.kind() else { return Ok(()) };
    match value {
        Json::Array(items) if field.is_list() => {
            items.iter().try_for_each(|item| check_message(item, &message))
        }
        Json::Object(members) if field.is_map() => match message.map_entry_value_field().kind() {
            Kind::Message(value) => members.values().try_for_each(|member| check_message(member, &value)),
            _ => Ok(()),
        },
        value => check_message(value, &message),
    }
}

/// Writes numbers as texts where the message has texts; whether there were any.
fn as_texts(document: &mut Json, message: &MessageDescriptor) -> bool {
    let Some(members) = document.as_object_mut().filter(|_| message.package_name() != "google.protobuf")
    else {
        return false;
    };
    let mut mended = false;
    for (name, value) in members {
        let field = message.get_field_by_json_name(name).or_else(|| message.get_field_by_name(name));
        let Some(field) = field else { continue };
        let kind = match field.kind() {
            Kind::Message(entry) if field.is_map() => entry.map_entry_value_field().kind(),
            kind => kind,
        };
        let mend = |value: &mut Json| match (&kind, &*value) {
            (Kind::String, Json::Number(_) | Json::Bool(_)) => {
                *value = Json::from(value.to_string());
                true
            }
            (Kind::Message(message), _) => as_texts(value, message),
            _ => false,
        };
        mended |= match value {
            Json::Array(items) if field.is_list() => {
                items.iter_mut().fold(false, |any, item| mend(item) | any)
            }
            Json::Object(members) if field.is_map() => {
                members.values_mut().fold(false, |any, member| mend(member) | any)
            }
            value => mend(value),
        };
    }
    mended
}

/// The names that come nearest, or all where none is near.
fn near(wrong: &str, known: &[String]) -> Option<String> {
    let list = || (!known.is_empty()).then(|| format!("expected one of {}", known.join(", ")));
    did_you_mean(wrong, known.iter().map(String::as_str)).or_else(list)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pool() -> DescriptorPool {
        let source = r#"
            syntax = "proto3";
            package shop.v1;
            service Shop { rpc Buy(Order) returns (Receipt); rpc Watch(Order) returns (stream Receipt); }
            message Item { string product_id = 1; int64 amount = 2; }
            message Order { Item first = 1; repeated Item items = 2; map<string, Item> by_name = 3; Kind kind = 4; }
            message Receipt { int64 total = 1; string text = 2; Item item = 3; }
            enum Kind { PLAIN = 0; GIFT = 1; }
        "#;
        let file = protox::file::File::from_source("shop.proto", source).unwrap();
        let mut pool = DescriptorPool::new();
        pool.add_file_descriptor_proto(file.file_descriptor_proto().clone()).unwrap();
        pool
    }

    #[test]
    fn a_method_that_is_not_there_is_answered_with_the_nearest() {
        for (name, message, help) in [
            ("Shop", "`Shop` is no method", Some("expected `package.Service/Method`")),
            ("shop.v1.Shp/Buy", "there is no service `shop.v1.Shp`", Some("did you mean `shop.v1.Shop`?")),
            ("shop.v1.Shop/Buyy", "`shop.v1.Shop` has no method `Buyy`", Some("did you mean `Buy`?")),
            (
                "shop.v1.Shop/Refund",
                "`shop.v1.Shop` has no method `Refund`",
                Some("expected one of Buy, Watch"),
            ),
        ] {
            let error = Method::find(&pool(), name).unwrap_err();
            assert_eq!((error.message.as_str(), error.help.as_deref()), (message, help));
        }
        let watch = Method::find(&pool(), "/shop.v1.Shop/Watch").unwrap();
        assert_eq!(watch.path().as_str(), "/shop.v1.Shop/Watch");
        assert!(watch.is_streaming() && watch.is_server_streaming() && !watch.is_client_streaming());
    }

    #[test]
    fn names_of_a_document_are_looked_up_however_deep_and_in_both_spellings() {
        let buy = Method::find(&pool(), "shop.v1.Shop/Buy").unwrap();
        let item = json!({"productId": "{{ vu }}", "amount": 1});
        let known =
            json!({"first": item, "items": [{"product_id": "a"}], "byName": {"any": item}, "kind": "GIFT"});
        assert_eq!(buy.check_names(&known), Ok(()));
        for (document, message, help) in [
            (json!({"frst": 1}), "`shop.v1.Order` has no field `frst`", "did you mean `first`?"),
            (
                json!({"items": [{}, {"ammount": 1}]}),
                "`shop.v1.Item` has no field `ammount`",
                "did you mean `amount`?",
            ),
            (
                json!({"by_name": {"x": {"price": 1}}}),
                "`shop.v1.Item` has no field `price`",
                "expected one of productId, amount",
            ),
        ] {
            let error = buy.check_names(&document).unwrap_err();
            assert_eq!((error.message.as_str(), error.help.as_deref()), (message, Some(help)));
        }
        let numbers =
            r#"{"first": {"productId": 7}, "items": [{"productId": 8}], "byName": {"a": {"productId": 9}}}"#;
        assert!(buy.encode(numbers).is_err());
        let texts = numbers.replace("7", "\"7\"").replace("8", "\"8\"").replace("9", "\"9\"");
        assert_eq!(buy.encode_filled_in(numbers), buy.encode(&texts));
        let error = buy.encode_filled_in(r#"{"kind": "LOAN"}"#).unwrap_err();
        assert!(error.message.starts_with("it is no `shop.v1.Order`: "), "{error}");
    }

    #[test]
    fn a_reply_shows_its_default_values_too_and_64_bits_as_text() {
        let buy = Method::find(&pool(), "shop.v1.Shop/Buy").unwrap();
        let mut json = Vec::new();
        write_json(&buy.decode(Bytes::from_static(&[8, 7])).unwrap(), &mut json).unwrap();
        assert_eq!(json, br#"{"total":"7","text":""}"#);
    }
}

//! The plan as a JSON Schema (draft 2020-12), for editors; made of the same fields that read it.

use serde_json::{Map, Value as Json, json};

use super::PlanConfig;
use super::fields::{Value as _, k6_spelling};

/// The JSON Schema of a plan as it is written, before `${}` is filled in.
pub fn schema() -> Json {
    let mut schemas = Schemas::default();
    let root = PlanConfig::schema(&mut schemas);
    let mut document = Map::new();
    document.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
    document.insert("title".to_owned(), json!("loadgate plan"));
    document.extend(root.as_object().cloned().unwrap_or_default());
    schemas.definitions.insert(
        "filled".to_owned(),
        json!({
            "description": "`${NAME}` or `${NAME:-default}`, filled in when the plan is loaded",
            "type": "string",
            "pattern": r"\$\{[A-Za-z_][A-Za-z0-9_]*(:-[^}]*)?\}",
        }),
    );
    document.insert("$defs".to_owned(), Json::Object(schemas.definitions));
    Json::Object(document)
}

/// Either `schema` or a text that becomes such a value when it is filled in.
pub(crate) fn or_filled(schema: Json) -> Json {
    json!({"anyOf": [schema, {"$ref": "#/$defs/filled"}]})
}

/// Shapes that are referred to by name.
#[derive(Default)]
pub(crate) struct Schemas {
    definitions: Map<String, Json>,
}

impl Schemas {
    /// A reference to the shape `name`, which is described the first time it is asked for.
    pub(crate) fn definition(&mut self, name: &str, describe: impl FnOnce(&mut Schemas) -> Json) -> Json {
        if !self.definitions.contains_key(name) {
            // Taken first: a step's flow holds steps.
            self.definitions.insert(name.to_owned(), Json::Null);
            let schema = describe(self);
            self.definitions.insert(name.to_owned(), schema);
        }
        json!({"$ref": format!("#/$defs/{name}")})
    }
}

/// The keys of one mapping, as far as they are described.
#[derive(Default)]
pub(crate) struct Description {
    properties: Vec<Property>,
    variants: Vec<Variant>,
}

struct Property {
    key: &'static str,
    schema: Json,
    required: bool,
}

struct Variant {
    key: &'static str,
    help: String,
    name: &'static str,
    own: Description,
}

impl Description {
    pub(crate) fn property(
        &mut self,
        key: &'static str,
        help: &str,
        schema: Json,
        default: Option<Json>,
        required: bool,
    ) {
        // `null` is an absent value wherever one may be absent.
        let schema = if required { schema } else { nullable(schema) };
        let mut described = Map::new();
        described.insert("description".to_owned(), json!(help));
        if let Some(default) = default {
            described.insert("default".to_owned(), default);
        }
        described.extend(schema.as_object().cloned().unwrap_or_default());
        self.properties.push(Property { key, schema: Json::Object(described), required });
    }

    pub(crate) fn variant(
        &mut self,
        key: &'static str,
        help: &str,
        name: &'static str,
        own_help: &str,
        own: Description,
    ) {
        self.variants.push(Variant { key, help: format!("{help}: {own_help}"), name, own });
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = &'static str> {
        self.properties.iter().map(|property| property.key)
    }

    pub(crate) fn into_schema(self, help: &str) -> Json {
        if self.variants.is_empty() {
            let mut object = object(self.properties.iter(), None);
            object.insert("description".to_owned(), json!(help));
            return Json::Object(object);
        }
        let kinds = self.variants.iter().map(|variant| {
            let tag = (variant.key, json!({"description": variant.help, "const": variant.name}));
            Json::Object(object(self.properties.iter().chain(&variant.own.properties), Some(tag)))
        });
        json!({"description": help, "oneOf": kinds.collect::<Vec<Json>>()})
    }
}

fn object<'a>(list: impl Iterator<Item = &'a Property>, tag: Option<(&str, Json)>) -> Map<String, Json> {
    let mut properties = Map::new();
    let mut required = Vec::new();
    let mut either = Vec::new();
    if let Some((key, schema)) = tag {
        properties.insert(key.to_owned(), schema);
        required.push(json!(key));
    }
    for Property { key, schema, required: must } in list {
        properties.insert((*key).to_owned(), schema.clone());
        let spelling = k6_spelling(key);
        if let Some(spelling) = spelling {
            let mut same = schema.as_object().cloned().unwrap_or_default();
            same.insert("description".to_owned(), json!(format!("k6's spelling of `{key}`")));
            properties.insert(spelling.to_owned(), Json::Object(same));
        }
        match (must, spelling) {
            (true, None) => required.push(json!(key)),
            (true, Some(spelling)) => {
                either.push(json!({"anyOf": [{"required": [key]}, {"required": [spelling]}]}))
            }
            (false, _) => {}
        }
    }
    let mut object = Map::new();
    object.insert("type".to_owned(), json!("object"));
    object.insert("properties".to_owned(), Json::Object(properties));
    object.insert("additionalProperties".to_owned(), json!(false));
    if !required.is_empty() {
        object.insert("required".to_owned(), Json::Array(required));
    }
    if !either.is_empty() {
        object.insert("allOf".to_owned(), Json::Array(either));
    }
    object
}

fn nullable(schema: Json) -> Json {
    json!({"anyOf": [schema, {"type": "null"}]})
}

//! The plan as a JSON Schema (draft 2020-12), for editors; made of the same fields that read it.

use serde_json::{Map, Value as Json, json};

use super::PlanConfig;
use super::fields::{Value, k6_spelling};

/// The JSON Schema of a plan as it is written, before `${}` is filled in.
pub fn schema() -> Json {
    document::<PlanConfig>("loadgate plan")
}

/// The JSON Schema of a file that is a `T`.
pub(super) fn document<T: Value>(title: &str) -> Json {
    let mut schemas = Schemas::default();
    let root = T::schema(&mut schemas);
    let mut document = Map::new();
    document.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
    document.insert("title".to_owned(), json!(title));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{LoadOptions, Problems, load};

    /// A plan around one element, by the element's name in the schema.
    const AROUND: [(&str, &str); 58] = [
        ("plan", "@"),
        ("defaults", "{defaults: @}"),
        ("tls", "{defaults: {tls: @}}"),
        ("dns", "{defaults: {dns: @}}"),
        ("limits", "{limits: @}"),
        ("hooks", "{hooks: @}"),
        ("exec", "{hooks: {always: [{exec: @}]}}"),
        ("signal", "{hooks: {always: [{signal: @}]}}"),
        ("fault", "{chaos: [@]}"),
        ("recovery", "{chaos: [{recovery: @}]}"),
        ("scrape", "{scrape: [@]}"),
        ("probe", "{probes: {p: @}}"),
        ("metric", "{metrics: {m: @}}"),
        ("threshold", "{thresholds: {m: @}}"),
        ("slo", "{slo: [@]}"),
        ("scenario", "{scenarios: {s: @}}"),
        ("stage_of_vus", "{scenarios: {s: {executor: ramping-vus, stages: [@]}}}"),
        ("stage_of_rates", "{scenarios: {s: {executor: ramping-arrival-rate, stages: [@]}}}"),
        ("http", "{preflight: [{http: @}]}"),
        ("auth", "{preflight: [{http: {auth: @}}]}"),
        ("basic", "{preflight: [{http: {auth: {basic: @}}}]}"),
        ("cookie", "{preflight: [{http: {cookies: {c: @}}}]}"),
        ("part", "{preflight: [{http: {multipart: [@]}}]}"),
        ("cloudevent", "{preflight: [{http: {cloudevent: @}}]}"),
        ("record", "{preflight: [{http: {record: {m: @}}}]}"),
        ("batch", "{preflight: [{batch: @}]}"),
        ("websocket", "{preflight: [{websocket: @}]}"),
        ("grpc", "{preflight: [{grpc: @}]}"),
        ("nats", "{preflight: [{nats: @}]}"),
        ("nats_auth", "{preflight: [{nats: {auth: @}}]}"),
        ("nats_publish", "{preflight: [{nats: {publish: @}}]}"),
        ("nats_request", "{preflight: [{nats: {request: @}}]}"),
        ("nats_subscribe", "{preflight: [{nats: {subscribe: @}}]}"),
        ("nats_consume", "{preflight: [{nats: {consume: @}}]}"),
        ("amqp", "{preflight: [{amqp: @}]}"),
        ("amqp_auth", "{preflight: [{amqp: {auth: @}}]}"),
        ("amqp_publish", "{preflight: [{amqp: {publish: @}}]}"),
        ("amqp_properties", "{preflight: [{amqp: {publish: {properties: @}}}]}"),
        ("rabbitmq", "{preflight: [{http: {rabbitmq: @}}]}"),
        ("amqp_consume", "{preflight: [{amqp: {consume: @}}]}"),
        ("burst", "{scenarios: {s: {executor: constant-arrival-rate, burst: @}}}"),
        ("send", "{preflight: [{websocket: {flow: [{send: @}]}}]}"),
        ("receive", "{preflight: [{websocket: {flow: [{receive: @}]}}]}"),
        ("listen", "{preflight: [{websocket: {flow: [{listen: @}]}}]}"),
        ("data", "{data: {d: @}}"),
        ("choice", "{preflight: [{choose: [@]}]}"),
        ("ping", "{preflight: [{websocket: {flow: [{ping: @}]}}]}"),
        ("close", "{preflight: [{websocket: {flow: [{close: @}]}}]}"),
        ("sleep", "{preflight: [{sleep: @}]}"),
        ("group", "{preflight: [{group: @}]}"),
        ("repeat", "{preflight: [{repeat: @}]}"),
        ("if", "{preflight: [{if: @}]}"),
        ("postgres", "{verify: [{postgres: @}]}"),
        ("redis", "{verify: [{redis: @}]}"),
        ("metrics", "{verify: [{metrics: @}]}"),
        ("verify_http", "{verify: [{http: @}]}"),
        ("during", "{verify: [{metrics: {during: @}}]}"),
        ("during_http", "{verify: [{http: {during: @}}]}"),
    ];

    fn problems(text: &str) -> Problems {
        load("plan.yml", text, &LoadOptions::default()).map(|_| ()).unwrap_err()
    }

    /// The help of the problem `message`, if there is such a problem.
    fn help(text: &str, message: &str) -> Option<String> {
        let found = problems(text).list.into_iter().find(|problem| problem.message == message);
        found.map(|problem| problem.help.unwrap_or_default())
    }

    /// The shapes of a definition: itself, or one for each kind.
    fn shapes(definition: &Json) -> Vec<&Map<String, Json>> {
        let kinds = definition["oneOf"].as_array();
        kinds
            .map_or_else(|| vec![definition], |kinds| kinds.iter().collect())
            .into_iter()
            .filter_map(Json::as_object)
            .collect()
    }

    #[test]
    fn the_schema_knows_exactly_the_keys_that_the_reader_accepts() {
        let schema = schema();
        for (name, definition) in schema["$defs"].as_object().unwrap() {
            if ["step", "action", "filled"].contains(&name.as_str()) {
                continue;
            }
            let around = AROUND
                .iter()
                .find(|(known, _)| known == name)
                .unwrap_or_else(|| panic!("no plan for {name}"))
                .1;
            for shape in shapes(definition) {
                let properties = shape["properties"].as_object().unwrap();
                let kind = properties
                    .get("executor")
                    .map(|executor| format!("executor: {}, ", executor["const"].as_str().unwrap()));
                let kind = kind.unwrap_or_default();
                for key in properties.keys().filter(|key| *key != "executor") {
                    let text = around.replace('@', &format!("{{{kind}{key}: }}"));
                    assert_eq!(help(&text, &format!("unknown key `{key}`")), None, "{text}");
                }
                let text = around.replace('@', &format!("{{{kind}zzzzzz: 1}}"));
                let listed = help(&text, "unknown key `zzzzzz`")
                    .unwrap_or_else(|| panic!("{text}: {}", problems(&text)));
                let mut listed: Vec<&str> = listed.split('`').skip(1).step_by(2).collect();
                let described = |key: &&String| {
                    let text = properties[*key]["description"].as_str().unwrap();
                    !text.contains("(not supported yet)") && !text.starts_with("k6's spelling")
                        || *key == "executor"
                };
                let mut described: Vec<&str> =
                    properties.keys().filter(described).map(String::as_str).collect();
                listed.sort_unstable();
                described.sort_unstable();
                assert_eq!(listed, described, "{name} {kind}");
            }
        }
    }

    #[test]
    fn the_schema_knows_exactly_the_steps_that_the_reader_accepts() {
        let schema = schema();
        let steps = schema["$defs"]["step"]["properties"].as_object().unwrap();
        for (step, described) in steps {
            let text = format!("{{preflight: [{{{step}: 1}}]}}");
            let refused = help(&text, &format!("the step `{step}` is not supported yet")).is_some();
            assert_eq!(
                described["description"].as_str().unwrap().contains("(not supported yet)"),
                refused,
                "{step}"
            );
            assert_eq!(help(&text, &format!("unknown step `{step}`")), None);
        }
        assert!(help("{preflight: [{zzzzzz: 1}]}", "unknown step `zzzzzz`").is_some());
    }

    #[test]
    fn each_definition_is_there_that_is_referred_to() {
        fn references(schema: &Json, found: &mut Vec<String>) {
            match schema {
                Json::Array(items) => items.iter().for_each(|item| references(item, found)),
                Json::Object(object) => {
                    found.extend(object.get("$ref").and_then(Json::as_str).map(str::to_owned));
                    object.values().for_each(|value| references(value, found));
                }
                _ => {}
            }
        }
        let schema = schema();
        let mut found = Vec::new();
        references(&schema, &mut found);
        assert!(found.len() > 50);
        for reference in found {
            let name = reference.strip_prefix("#/$defs/").unwrap();
            assert!(schema["$defs"][name].is_object(), "{name}");
        }
    }
}

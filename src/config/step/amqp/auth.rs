//! Who we are to an AMQP server.

use serde_json::{Value as Json, json};

use super::super::super::At;
use super::super::super::fields::{Element, Fields, Reader, Value};
use super::super::super::node::Node;
use super::super::super::schema::{Schemas, or_filled};
use super::super::super::value::{Text, word};

#[derive(Debug, Clone)]
pub enum AmqpAuthConfig {
    User(UserConfig),
    /// Whom our certificate is for.
    External,
}

#[derive(Debug, Clone)]
pub struct UserConfig {
    pub user: At<String>,
    pub password: At<String>,
}

const WORDS: [(&str, ()); 1] = [("external", ())];

impl Value for AmqpAuthConfig {
    fn expected() -> String {
        "`{user: me, password: \"${AMQP_PASSWORD}\"}`, or `external`".to_owned()
    }

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        match node.entries() {
            Some(_) => UserConfig::read(node, reader).map(AmqpAuthConfig::User),
            None => word(node, reader, "way to say who we are", &WORDS).map(|()| AmqpAuthConfig::External),
        }
    }

    fn schema(schemas: &mut Schemas) -> Json {
        let word = or_filled(json!({"enum": WORDS.map(|(word, ())| word)}));
        json!({"anyOf": [UserConfig::schema(schemas), word]})
    }
}

impl Element for UserConfig {
    const NAME: &'static str = "amqp_auth";
    const HELP: &'static str = "Who we are to the server";

    fn fields(f: &mut Fields<'_>) -> Option<Self> {
        let user = f.required::<At<Text>>("user", "The user");
        let password = f.required::<At<Text>>("password", "From a variable: `${AMQP_PASSWORD}`");
        Some(UserConfig { user: user?.map(|text| text.0), password: password?.map(|text| text.0) })
    }
}

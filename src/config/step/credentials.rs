//! Who asks: authentication and cookies of a request.

use serde_json::{Value as Json, json};

use super::super::fields::{Element, Fields, Reader, Value};
use super::super::node::Node;
use super::super::schema::Schemas;
use super::super::value::Template;
use super::super::{At, later};

/// Texts in it are templates.
#[derive(Debug, Clone)]
pub enum AuthConfig {
    Basic { username: At<String>, password: At<String> },
    Bearer(At<String>),
}

/// A cookie that the step sends beside those that servers set.
#[derive(Debug, Clone)]
pub struct CookieConfig {
    /// A template.
    pub value: At<String>,
    /// Instead of those of the same name that a server set.
    pub replace: bool,
}

impl Element for AuthConfig {
    const NAME: &'static str = "auth";
    const HELP: &'static str = "Who asks: the header `Authorization`";

    fn fields(f: &mut Fields<'_>) -> Option<Self> {
        let basic = f.optional::<BasicConfig>("basic", "A username and a password (RFC 7617)");
        let bearer = f.optional::<At<Template>>("bearer", "A token (RFC 6750); a template");
        f.later("digest", "A username and a password (RFC 7616)", later::anything);
        f.later("ntlm", "A username and a password of Windows", later::anything);
        f.at_most_one(&["basic", "bearer"], "one of them");
        match (basic?, bearer?) {
            (Some(BasicConfig { username, password }), _) => Some(AuthConfig::Basic { username, password }),
            (None, Some(token)) => Some(AuthConfig::Bearer(token.map(|token| token.0))),
            (None, None) => {
                if !f.has("digest") && !f.has("ntlm") {
                    f.problem("", "`auth` does not say how", "expected `basic` or `bearer`".to_owned());
                }
                None
            }
        }
    }
}

struct BasicConfig {
    username: At<String>,
    password: At<String>,
}

impl Element for BasicConfig {
    const NAME: &'static str = "basic";
    const HELP: &'static str = "A username and a password (RFC 7617)";

    fn fields(f: &mut Fields<'_>) -> Option<Self> {
        let username = f.required::<At<Template>>("username", "Without `:`; a template");
        let password = f.required::<At<Template>>("password", "A template");
        let text = |template: At<Template>| template.map(|template| template.0);
        Some(BasicConfig { username: text(username?), password: text(password?) })
    }
}

impl Value for CookieConfig {
    fn expected() -> String {
        "a cookie's value, or `{value: …, replace: true}`".to_owned()
    }

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        match node.entries() {
            Some(_) => LongCookie::read(node, reader).map(|cookie| cookie.0),
            None => At::<Template>::read(node, reader)
                .map(|value| CookieConfig { value: value.map(|template| template.0), replace: false }),
        }
    }

    fn schema(schemas: &mut Schemas) -> Json {
        json!({"anyOf": [Template::schema(schemas), LongCookie::schema(schemas)]})
    }
}

/// The long form.
struct LongCookie(CookieConfig);

impl Element for LongCookie {
    const NAME: &'static str = "cookie";
    const HELP: &'static str = "A cookie that the step sends";

    fn fields(f: &mut Fields<'_>) -> Option<Self> {
        let value = f.required::<At<Template>>("value", "A template");
        let replace = f.or("replace", "Instead of those of the same name that a server set", "false");
        Some(LongCookie(CookieConfig { value: value?.map(|template| template.0), replace: replace? }))
    }
}

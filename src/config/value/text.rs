//! Texts: as they are, as templates, as expressions.

use serde_json::{Value as Json, json};

use crate::config::fields::{Reader, Value};
use crate::config::node::Node;
use crate::config::schema::Schemas;
use crate::template::{TemplateError, check_syntax_expression, check_syntax_template};

/// Any scalar as it was written: `1.10` stays `1.10`. Not empty.
pub(crate) struct Text(pub(crate) String);

impl Value for Text {
    fn expected() -> String {
        "a text".to_owned()
    }

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        text(node, reader, &Self::expected())
            .filter(|text| {
                let empty = text.is_empty();
                if empty {
                    reader.unexpected(node, &Self::expected());
                }
                !empty
            })
            .map(Text)
    }

    fn schema(_: &mut Schemas) -> Json {
        json!({"type": ["string", "number", "boolean"]})
    }
}

/// A text that is the same for the whole run, such as a label's value. Not empty.
pub(crate) struct Constant(pub(crate) String);

impl Value for Constant {
    fn expected() -> String {
        Text::expected()
    }

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        let Text(text) = Text::read(node, reader)?;
        if text.contains("{{") {
            let help = "labels come from the plan, so that their number is known".to_owned();
            reader.problem(node.place, "no template can stand here", help);
            return None;
        }
        if node.filled.as_ref().is_some_and(|filled| filled.secret) {
            let help = "it would be a label or a name, which everybody sees; a variable whose value is none needs a name \
                        without TOKEN, PASSWORD, SECRET, KEY or CREDENTIAL";
            reader.problem(node.place, "no secret can stand here", help.to_owned());
            return None;
        }
        Some(Constant(text))
    }

    fn schema(schemas: &mut Schemas) -> Json {
        Text::schema(schemas)
    }
}

/// A file that is read when the plan is loaded; a relative path starts from the plan's folder.
pub(crate) struct FilePath(pub(crate) String);

impl Value for FilePath {
    fn expected() -> String {
        "a file's path, from the plan's folder".to_owned()
    }

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        let path = text(node, reader, &Self::expected())?;
        if path.contains("{{") {
            let help = "files are read once, when the plan is loaded".to_owned();
            reader.problem(node.place, "no template can stand here", help);
            return None;
        }
        if path.is_empty() {
            reader.unexpected(node, &Self::expected());
            return None;
        }
        Some(FilePath(path))
    }

    fn schema(_: &mut Schemas) -> Json {
        json!({"type": "string", "minLength": 1})
    }
}

/// A text that may hold `{{ expression }}`; may be empty.
pub(crate) struct Template(pub(crate) String);

impl Value for Template {
    fn expected() -> String {
        "a text, which may hold `{{ expression }}`".to_owned()
    }

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        let text = text(node, reader, &Self::expected())?;
        template(node, &text, reader).then_some(Template(text))
    }

    fn schema(_: &mut Schemas) -> Json {
        json!({"type": ["string", "number", "boolean"]})
    }
}

/// An expression, without `{{ }}`.
pub(crate) struct Expression(pub(crate) String);

impl Value for Expression {
    fn expected() -> String {
        "an expression such as `status == 200`".to_owned()
    }

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        let text = text(node, reader, &Self::expected())?;
        match check_syntax_expression(&text) {
            Ok(()) => Some(Expression(text)),
            Err(error) => {
                report(node, error, "expression", &Self::expected(), reader);
                None
            }
        }
    }

    fn schema(_: &mut Schemas) -> Json {
        json!({"type": ["string", "number", "boolean"], "minLength": 1})
    }
}

/// An HTTP method, in capitals.
pub(crate) struct Method(pub(crate) String);

impl Value for Method {
    fn expected() -> String {
        "an HTTP method in capitals such as `GET`".to_owned()
    }

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        reader.scalar(node, &Self::expected(), |scalar| {
            let text = &scalar.text;
            // CONNECT opens a tunnel: there is no response to wait for.
            let known = (1..=20).contains(&text.len())
                && text.bytes().all(|byte| byte.is_ascii_uppercase())
                && text != "CONNECT";
            known.then(|| Method(text.clone()))
        })
    }

    fn schema(_: &mut Schemas) -> Json {
        json!({"type": "string", "examples": ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"], "pattern": "^[A-Z]{1,20}$"})
    }
}

/// A scalar's text, whatever its type; `null` is none.
pub(crate) fn text(node: &Node, reader: &mut Reader, expected: &str) -> Option<String> {
    if node.is_null() {
        reader.unexpected(node, expected);
        return None;
    }
    reader.scalar(node, expected, |scalar| Some(scalar.text.clone()))
}

/// Whether the templates in a text are well formed; reports it if not.
pub(crate) fn template(node: &Node, text: &str, reader: &mut Reader) -> bool {
    let Err(error) = check_syntax_template(text) else { return true };
    report(node, error, "template", "`{{ expression }}`", reader);
    false
}

fn report(node: &Node, error: TemplateError, what: &str, expected: &str, reader: &mut Reader) {
    let place = error.offset.map_or(node.place, |at| node.place_within(at, 2));
    let help = error.help.unwrap_or_else(|| format!("expected {expected}"));
    reader.problem(place, format!("not a valid {what}: {}", error.message), help);
}

//! The action `exec`: a program of this machine.

use std::time::Duration;

use serde_json::{Value as Json, json};

use crate::config::At;
use crate::config::fields::{Element, Fields, Reader, Value};
use crate::config::node::{Kind, Node};
use crate::config::schema::Schemas;
use crate::config::value::{AtLeast, EnvironmentName, FilePath, Table, Text};

#[derive(Debug, Clone)]
pub struct ExecConfig {
    pub command: CommandConfig,
    /// Default 30 s; then it is killed with all that it has started.
    pub timeout: Duration,
    /// Beside what loadgate sets.
    pub env: Vec<(String, String)>,
    /// From the plan's folder, which is the default.
    pub dir: Option<At<String>>,
}

#[derive(Debug, Clone)]
pub enum CommandConfig {
    /// The program and its arguments; at least one.
    Arguments(Vec<String>),
    /// A line for `sh -c`.
    Shell(String),
}

impl Element for ExecConfig {
    const NAME: &'static str = "exec";
    const HELP: &'static str = "A program of this machine; it succeeds when it exits with 0";

    fn fields(f: &mut Fields<'_>) -> Option<Self> {
        let command = f.required("command", "A list of the program and its arguments, or a line for `sh -c`");
        let timeout = f.or::<AtLeast<1>>("timeout", "Then it is killed with all that it has started", "30s");
        let env = f.or_empty::<Table<EnvironmentName, Untemplated>>("env", "More of its environment");
        let dir = f.optional::<At<FilePath>>(
            "dir",
            "The folder it runs in, from the plan's folder, which is the default",
        );
        let env = env?.0.into_iter().map(|(name, value)| (name.value, value.0));
        Some(ExecConfig {
            command: command?,
            timeout: timeout?.0,
            env: env.collect(),
            dir: dir?.map(|dir| dir.map(|dir| dir.0)),
        })
    }
}

impl Value for CommandConfig {
    fn expected() -> String {
        "a command: `[program, argument]`, or a line for the shell".to_owned()
    }

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        match &node.kind {
            Kind::Seq(items) if !items.is_empty() => {
                let arguments = Vec::<Untemplated>::read(node, reader)?;
                Some(CommandConfig::Arguments(arguments.into_iter().map(|argument| argument.0).collect()))
            }
            Kind::Scalar(_) if !node.is_null() => {
                Untemplated::read(node, reader).map(|line| CommandConfig::Shell(line.0))
            }
            _ => {
                reader.unexpected(node, &Self::expected());
                None
            }
        }
    }

    fn schema(schemas: &mut Schemas) -> Json {
        let word = Untemplated::schema(schemas);
        json!({"anyOf": [word, {"type": "array", "items": word, "minItems": 1}]})
    }
}

/// A text that a program is given. What differs from run to run comes in its environment: a shell would
/// execute what stands in a value.
struct Untemplated(String);

impl Value for Untemplated {
    fn expected() -> String {
        Text::expected()
    }

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        let Text(text) = Text::read(node, reader)?;
        if text.contains("{{") {
            let help =
                "a command finds them in its environment: LOADGATE_TESTID, LOADGATE_TEST, and in hooks \
                        LOADGATE_VERDICT and LOADGATE_EXIT_CODE"
                    .to_owned();
            reader.problem(node.place, "no template can stand here", help);
            return None;
        }
        Some(Untemplated(text))
    }

    fn schema(schemas: &mut Schemas) -> Json {
        Text::schema(schemas)
    }
}

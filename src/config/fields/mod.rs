//! How a mapping of the plan is read, and described: one list of fields gives both the reader and the JSON Schema,
//! so that they cannot differ.

mod mapping;

use serde_json::Value as Json;

use super::node::{Kind, Node, Scalar};
use super::schema::{Description, Schemas};
use super::yaml::flow_help;
use super::{Place, Problem};
use mapping::{Mapping, UNKNOWN_KIND, is_empty};

/// What can stand behind a key.
pub(crate) trait Value: Sized {
    /// Follows "expected": `a duration with a unit such as `10s``.
    fn expected() -> String;
    /// `None` when it is wrong, and then a problem has been reported.
    fn read(node: &Node, reader: &mut Reader) -> Option<Self>;
    fn schema(schemas: &mut Schemas) -> Json;
    /// Where later layers say that something is wrong with it.
    fn place(node: &Node) -> Place {
        node.place
    }
}

/// A mapping with known keys.
pub(crate) trait Element: Sized {
    /// What it is called in the schema and in messages.
    const NAME: &'static str;
    const HELP: &'static str;
    /// Reads all fields before it gives up on one, so that all their problems are found.
    fn fields(f: &mut Fields<'_>) -> Option<Self>;
}

/// Collects what is wrong while a tree is read.
pub(crate) struct Reader {
    pub(crate) problems: Vec<Problem>,
    pub(crate) within: Within,
}

/// What surrounds a flow decides which steps it may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Within {
    Scenario,
    Websocket,
    /// Of a call's messages.
    Grpc,
    Preflight,
    Batch,
}

impl Reader {
    pub(crate) fn new(problems: Vec<Problem>) -> Self {
        Reader { problems, within: Within::Scenario }
    }

    pub(crate) fn problem(
        &mut self,
        place: Place,
        message: impl Into<String>,
        help: impl Into<Option<String>>,
    ) {
        self.problems.push(Problem { place: Some(place), message: message.into(), help: help.into() });
    }

    /// Reports a value that is not what it should be, unless that was reported before.
    pub(crate) fn unexpected(&mut self, node: &Node, expected: &str) {
        if node.kind != Kind::Broken {
            let help = flow_help(node).map(str::to_owned);
            self.problem(node.place, format!("expected {expected}, found {}", node.found()), help);
        }
    }

    /// A scalar that `parse` understands.
    pub(crate) fn scalar<T>(
        &mut self,
        node: &Node,
        expected: &str,
        parse: impl FnOnce(&Scalar) -> Option<T>,
    ) -> Option<T> {
        let value = node.scalar().and_then(parse);
        if value.is_none() {
            self.unexpected(node, expected);
        }
        value
    }
}

/// k6's spelling of an option of k6, which means the same key.
pub(crate) fn k6_spelling(key: &str) -> Option<&'static str> {
    Some(match key {
        "abort_on_fail" => "abortOnFail",
        "delay_abort_eval" => "delayAbortEval",
        "discard_bodies" => "discardResponseBodies",
        "graceful_ramp_down" => "gracefulRampDown",
        "graceful_stop" => "gracefulStop",
        "insecure_skip_verify" => "insecureSkipTLSVerify",
        "max_duration" => "maxDuration",
        "max_vus" => "maxVUs",
        "no_cookies_reset" => "noCookiesReset",
        "pre_allocated_vus" => "preAllocatedVUs",
        "setup_timeout" => "setupTimeout",
        "start_rate" => "startRate",
        "start_time" => "startTime",
        "start_vus" => "startVUs",
        "teardown_timeout" => "teardownTimeout",
        "time_unit" => "timeUnit",
        "user_agent" => "userAgent",
        _ => return None,
    })
}

/// The keys of one mapping, while it is read or described.
pub(crate) struct Fields<'a> {
    mode: Mode<'a>,
}

enum Mode<'a> {
    Read(Mapping<'a>),
    Describe { description: &'a mut Description, schemas: &'a mut Schemas },
}

/// One of several shapes that a mapping can take, told apart by the value of one key.
pub(crate) struct Choice<T> {
    pub(crate) name: &'static str,
    pub(crate) help: &'static str,
    pub(crate) fields: fn(&mut Fields<'_>) -> Option<T>,
}

impl<'a> Fields<'a> {
    pub(crate) fn describing(description: &'a mut Description, schemas: &'a mut Schemas) -> Self {
        Fields { mode: Mode::Describe { description, schemas } }
    }

    /// A key that must be there.
    pub(crate) fn required<T: Value>(&mut self, key: &'static str, help: &'static str) -> Option<T> {
        match &mut self.mode {
            Mode::Describe { description, schemas } => {
                description.property(key, help, T::schema(schemas), None, true);
                None
            }
            Mode::Read(mapping) => match mapping.take(key) {
                Some((_, node)) => T::read(node, mapping.reader),
                None => {
                    mapping.missing(key, &T::expected());
                    None
                }
            },
        }
    }

    /// A key that may be absent or null: `Some(None)`.
    pub(crate) fn optional<T: Value>(&mut self, key: &'static str, help: &'static str) -> Option<Option<T>> {
        match &mut self.mode {
            Mode::Describe { description, schemas } => {
                description.property(key, help, T::schema(schemas), None, false);
                None
            }
            Mode::Read(mapping) => match mapping.take(key) {
                Some((_, node)) if !node.is_null() => T::read(node, mapping.reader).map(Some),
                _ => Some(None),
            },
        }
    }

    /// A key with a default, which is given as a user would write it.
    pub(crate) fn or<T: Value>(&mut self, key: &'static str, help: &'static str, default: &str) -> Option<T> {
        match &mut self.mode {
            Mode::Describe { description, schemas } => {
                let default = super::value::json::json(&Node::unwritten(default));
                description.property(key, help, T::schema(schemas), default, false);
                None
            }
            Mode::Read(mapping) => match mapping.take(key) {
                Some((_, node)) if !node.is_null() => T::read(node, mapping.reader),
                _ => T::read(&Node::unwritten(default), mapping.reader),
            },
        }
    }

    /// A key whose absence is an empty list or mapping.
    pub(crate) fn or_empty<T: Value + Default>(
        &mut self,
        key: &'static str,
        help: &'static str,
    ) -> Option<T> {
        self.optional(key, help).map(Option::unwrap_or_default)
    }

    /// A mapping that may be absent when all its keys may be.
    pub(crate) fn or_all_defaults<T: Element>(&mut self, key: &'static str, help: &'static str) -> Option<T> {
        match &mut self.mode {
            Mode::Describe { .. } => self.optional::<T>(key, help).flatten(),
            Mode::Read(mapping) => match mapping.take(key) {
                Some((_, node)) => T::read(node, mapping.reader),
                None => T::read(&Node::unwritten("null"), mapping.reader),
            },
        }
    }

    /// As [`or_empty`](Self::or_empty), with other surroundings for the steps in it.
    pub(crate) fn or_empty_within<T: Value + Default>(
        &mut self,
        within: Within,
        key: &'static str,
        help: &'static str,
    ) -> Option<T> {
        let outside = self.enter(within);
        let value = self.or_empty(key, help);
        self.leave(outside);
        value
    }

    /// As [`optional`](Self::optional), with other surroundings for the steps in it.
    pub(crate) fn optional_within<T: Value>(
        &mut self,
        within: Within,
        key: &'static str,
        help: &'static str,
    ) -> Option<Option<T>> {
        let outside = self.enter(within);
        let value = self.optional(key, help);
        self.leave(outside);
        value
    }

    /// As [`required`](Self::required), with other surroundings for the steps in it.
    pub(crate) fn required_within<T: Value>(
        &mut self,
        within: Within,
        key: &'static str,
        help: &'static str,
    ) -> Option<T> {
        let outside = self.enter(within);
        let value = self.required(key, help);
        self.leave(outside);
        value
    }

    /// A key of a part that is not built yet: it may be there, but empty.
    pub(crate) fn later(&mut self, key: &'static str, help: &'static str, schema: fn() -> Json) {
        match &mut self.mode {
            Mode::Describe { description, .. } => {
                description.property(key, &format!("{help} (not supported yet)"), schema(), None, false);
            }
            Mode::Read(mapping) => {
                mapping.later.push(key);
                if let Some((name, node)) = mapping.find(key)
                    && !is_empty(node)
                {
                    mapping.reader.problem(
                        name.place,
                        format!("`{}` is not supported yet", name.value),
                        None,
                    );
                }
            }
        }
    }

    /// A key that was dealt with before the fields were read.
    pub(crate) fn known(&mut self, key: &'static str, help: &'static str, schema: fn(&mut Schemas) -> Json) {
        match &mut self.mode {
            Mode::Describe { description, schemas } => {
                description.property(key, help, schema(schemas), None, false)
            }
            Mode::Read(mapping) => mapping.known.push(key),
        }
    }

    /// The key that says which of several kinds this is, and the fields of that kind.
    pub(crate) fn choice<T>(
        &mut self,
        key: &'static str,
        help: &'static str,
        kinds: &[Choice<T>],
    ) -> Option<T> {
        match &mut self.mode {
            Mode::Describe { description, schemas } => {
                for kind in kinds {
                    let mut own = Description::default();
                    (kind.fields)(&mut Fields::describing(&mut own, schemas));
                    description.variant(key, help, kind.name, kind.help, own);
                }
                None
            }
            Mode::Read(mapping) => {
                let chosen = mapping.choose(key, kinds);
                for kind in kinds.iter().filter(|kind| chosen.is_none_or(|chosen| chosen.name != kind.name)) {
                    let mut own = Description::default();
                    (kind.fields)(&mut Fields::describing(&mut own, &mut Schemas::default()));
                    mapping.elsewhere.extend(own.keys().map(|key| (key.to_owned(), kind.name)));
                }
                let Some(kind) = chosen else {
                    mapping.known.push(UNKNOWN_KIND);
                    return None;
                };
                (kind.fields)(self)
            }
        }
    }

    /// Reports something about the value of `key`, or about the whole mapping where it has none.
    pub(crate) fn problem(&mut self, key: &str, message: impl Into<String>, help: impl Into<Option<String>>) {
        if let Mode::Read(mapping) = &mut self.mode {
            let place = mapping.find(key).map_or(mapping.node.owner, |(_, node)| node.place);
            mapping.reader.problem(place, message, help);
        }
    }

    /// Reports that a key is missing that only some mappings may do without.
    pub(crate) fn missing(&mut self, key: &str, expected: &str) {
        if let Mode::Read(mapping) = &mut self.mode {
            mapping.missing(key, expected);
        }
    }

    /// Reports the second of those that are there. `expected`: "one message".
    pub(crate) fn at_most_one(&mut self, keys: &[&str], expected: &str) {
        let mut given = keys.iter().filter(|key| self.has(key));
        if let (Some(first), Some(second)) = (given.next(), given.next()) {
            self.problem(second, format!("both `{first}` and `{second}`"), format!("expected {expected}"));
        }
    }

    /// As [`Fields::at_most_one`]; reports as well that none is there.
    pub(crate) fn exactly_one(&mut self, keys: &[&str]) {
        match keys {
            [first, between @ .., last] if !keys.iter().any(|key| self.has(key)) => {
                let between: String = between.iter().map(|key| format!(", `{key}`")).collect();
                self.missing(first, &format!("`{first}`{between} or `{last}`"));
            }
            _ => self.at_most_one(keys, "one of them"),
        }
    }

    /// Reports something about a place that was read before.
    pub(crate) fn problem_at(
        &mut self,
        place: Place,
        message: impl Into<String>,
        help: impl Into<Option<String>>,
    ) {
        if let Mode::Read(mapping) = &mut self.mode {
            mapping.reader.problem(place, message, help);
        }
    }

    /// Whether the mapping has the key, with a value.
    pub(crate) fn has(&self, key: &str) -> bool {
        matches!(&self.mode, Mode::Read(mapping) if mapping.find(key).is_some_and(|(_, node)| !node.is_null()))
    }

    pub(crate) fn surroundings(&self) -> Within {
        match &self.mode {
            Mode::Read(mapping) => mapping.reader.within,
            Mode::Describe { .. } => Within::Scenario,
        }
    }

    fn enter(&mut self, within: Within) -> Option<Within> {
        match &mut self.mode {
            Mode::Read(mapping) => Some(std::mem::replace(&mut mapping.reader.within, within)),
            Mode::Describe { .. } => None,
        }
    }

    fn leave(&mut self, outside: Option<Within>) {
        if let (Mode::Read(mapping), Some(outside)) = (&mut self.mode, outside) {
            mapping.reader.within = outside;
        }
    }
}

impl<E: Element> Value for E {
    fn expected() -> String {
        format!("a mapping ({})", E::NAME)
    }

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        if node.entries().is_none() && !node.is_null() {
            reader.unexpected(node, &Self::expected());
            return None;
        }
        let mut fields = Fields { mode: Mode::Read(Mapping::new(node, reader)) };
        let value = E::fields(&mut fields);
        if let Mode::Read(mapping) = fields.mode {
            mapping.unknown_keys();
        }
        value
    }

    fn schema(schemas: &mut Schemas) -> Json {
        schemas.definition(E::NAME, |schemas| {
            let mut description = Description::default();
            E::fields(&mut Fields::describing(&mut description, schemas));
            description.into_schema(E::HELP)
        })
    }
}

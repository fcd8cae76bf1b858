//! Mappings whose keys the user chooses, and lists of one that may be written without the list.

use std::marker::PhantomData;

use serde_json::{Value as Json, json};

use super::{Constant, Rule, Template};
use crate::config::At;
use crate::config::fields::{Reader, Value};
use crate::config::node::{Kind, Node};
use crate::config::schema::Schemas;

/// Names that follow a rule, each with a value, in the order of the file.
pub(crate) struct Table<R, T>(pub(crate) Vec<(At<String>, T)>, PhantomData<R>);

impl<R, T> Default for Table<R, T> {
    fn default() -> Self {
        Table(Vec::new(), PhantomData)
    }
}

impl<R: Rule, T: Value> Value for Table<R, T> {
    fn expected() -> String {
        format!("a mapping whose keys are each {}", R::EXPECTED)
    }

    /// Reads all entries before it gives up on one.
    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        let Kind::Map(entries) = &node.kind else {
            reader.unexpected(node, &format!("a mapping of names, each to {}", T::expected()));
            return None;
        };
        let mut read = Some(Vec::with_capacity(entries.len()));
        for (key, value) in entries {
            let allowed = check::<R>(key, reader);
            match (T::read(value, reader), &mut read) {
                (Some(value), Some(list)) if allowed => list.push((key.clone(), value)),
                _ => read = None,
            }
        }
        read.map(|list| Table(list, PhantomData))
    }

    fn schema(schemas: &mut Schemas) -> Json {
        json!({"type": "object", "propertyNames": {"pattern": R::PATTERN}, "additionalProperties": T::schema(schemas)})
    }
}

impl<R> Table<R, At<Constant>> {
    pub(crate) fn into_texts(self) -> Vec<(At<String>, At<String>)> {
        self.0.into_iter().map(|(name, text)| (name, text.map(|text| text.0))).collect()
    }
}

impl<R> Table<R, At<Template>> {
    pub(crate) fn into_texts(self) -> Vec<(At<String>, At<String>)> {
        self.0.into_iter().map(|(name, text)| (name, text.map(|text| text.0))).collect()
    }
}

fn check<R: Rule>(key: &At<String>, reader: &mut Reader) -> bool {
    // Reported where it was filled in: keys are not.
    if key.value.contains("${") {
        return false;
    }
    if !R::holds(&key.value) {
        let found = crate::config::node::shorten(&key.value);
        reader.problem(key.place, format!("expected {}, found `{found}`", R::EXPECTED), None);
        return false;
    }
    match R::refused(&key.value) {
        Some(reason) => {
            reader.problem(key.place, reason, None);
            false
        }
        None => true,
    }
}

/// A list, or its only item.
pub(crate) struct OneOrMany<T>(pub(crate) Vec<T>);

impl<T: Value> Value for OneOrMany<T> {
    fn expected() -> String {
        format!("{}, or a list of them", T::expected())
    }

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        match &node.kind {
            Kind::Seq(_) => Vec::read(node, reader).map(OneOrMany),
            _ => T::read(node, reader).map(|only| OneOrMany(vec![only])),
        }
    }

    fn schema(schemas: &mut Schemas) -> Json {
        let one = T::schema(schemas);
        json!({"anyOf": [one, {"type": "array", "items": one}]})
    }
}

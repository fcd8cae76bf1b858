//! `vars` and `${NAME}`: what the file leaves open is filled in when it is loaded.
//!
//! A name's value is looked for in `--env`, the profile chosen on the command line, the process environment,
//! the default profile and `vars`, in this order; only names that `vars` declares are looked for at all.

mod parts;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};

use super::node::{Filled, Kind, Node, Scalar, Typed};
use super::problem::ENOUGH_PROBLEMS;
use super::suggest::expected_one_of;
use super::{LoadOptions, Place, Problem};
pub(crate) use parts::is_variable_name;
use parts::{Part, parts};

/// A variable may be made of others, to this depth.
const MAX_DEPTH: usize = 16;
/// Of all texts together, after filling.
const MAX_FILLED_BYTES: usize = 8 << 20;

/// Fills in a whole plan, including its own `vars`, and says which values no message may show.
pub(crate) fn fill(
    tree: &mut Node,
    chosen: Option<&Node>,
    options: &LoadOptions<'_>,
    problems: &mut Vec<Problem>,
) -> Vec<String> {
    let variables = declared(tree, chosen, options, problems);
    let mut filling = Filling::new(variables, problems);
    filling.check_flags(options);
    filling.resolve_all();
    if let Kind::Map(entries) = &mut tree.kind {
        for (key, value) in entries {
            match key.value.as_str() {
                // Profiles were merged before; the one in use is filled in where it was put.
                "profiles" | "default_profile" => {}
                "vars" => filling.write_back(value),
                _ => filling.node(value),
            }
        }
    }
    filling.report_missing();
    filling.secrets()
}

/// Fills in the name of the default profile, which must be known before the profile's own `vars` are: it
/// knows those of the plan only.
pub(crate) fn fill_profile(
    node: &mut Node,
    tree: &Node,
    options: &LoadOptions<'_>,
    problems: &mut Vec<Problem>,
) {
    // What is wrong with the variables themselves is told when the whole plan is filled in.
    let mut told_later = Vec::new();
    let variables = declared(tree, None, options, &mut told_later);
    let mut filling = Filling::new(variables, &mut told_later);
    filling.resolve_all();
    let variables = filling.variables;
    Filling::new(variables, problems).scalar(node);
}

struct Variable {
    name: String,
    place: Place,
    value: Value,
    /// From `--env` or the environment: taken literally.
    outside: bool,
}

#[derive(Clone)]
enum Value {
    /// As it stands in the file, perhaps with `${}` of its own.
    Open(Node),
    Known {
        text: String,
        plain: bool,
        secret: bool,
    },
    /// Required, and not given.
    Missing,
    Broken,
}

struct Filling<'a> {
    variables: Vec<Variable>,
    positions: HashMap<String, usize>,
    used: HashSet<String>,
    /// Used at least once without a default.
    required: HashSet<String>,
    bytes: usize,
    problems: &'a mut Vec<Problem>,
}

fn declared(
    tree: &Node,
    chosen: Option<&Node>,
    options: &LoadOptions<'_>,
    problems: &mut Vec<Problem>,
) -> Vec<Variable> {
    let flags: HashMap<&str, &str> =
        options.env_flags.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let chosen = chosen.and_then(|profile| profile.get("vars")).and_then(Node::entries).unwrap_or_default();
    let chosen: HashMap<&str, &Node> =
        chosen.iter().map(|(name, value)| (name.value.as_str(), value)).collect();
    let mut variables = Vec::new();
    for (key, node) in tree.get("vars").and_then(Node::entries).unwrap_or_default() {
        let name = key.value.clone();
        let of_profile = chosen.get(name.as_str()).copied();
        let from_outside = match (flags.get(name.as_str()), of_profile) {
            (Some(value), _) => Some((*value).to_owned()),
            (None, Some(_)) => None,
            (None, None) => (options.environment)(&name),
        };
        let outside = from_outside.is_some();
        let value = match from_outside {
            Some(text) => known_from_outside(&name, text),
            None => open(of_profile.unwrap_or(node), problems),
        };
        variables.push(Variable { name, place: key.place, value, outside });
    }
    variables
}

fn known_from_outside(name: &str, text: String) -> Value {
    // An empty or `null` environment variable is that text, not nothing.
    let plain = Scalar { text: text.clone(), plain: true }.typed() != Typed::Null;
    Value::Known { text, plain, secret: looks_secret(name) }
}

fn open(node: &Node, problems: &mut Vec<Problem>) -> Value {
    match &node.kind {
        Kind::Broken => Value::Broken,
        Kind::Scalar(_) if node.is_null() => Value::Missing,
        Kind::Scalar(_) => Value::Open(node.clone()),
        Kind::Seq(_) | Kind::Map(_) => {
            let message =
                format!("expected a text, a number, `true`, `false` or `null`, found {}", node.found());
            problems.push(Problem::new(node.place, message));
            Value::Broken
        }
    }
}

/// Names whose values are not printed.
pub(crate) fn looks_secret(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    ["TOKEN", "PASSWORD", "PASSWD", "SECRET", "KEY", "CREDENTIAL"].iter().any(|word| name.contains(word))
}

impl<'a> Filling<'a> {
    fn new(variables: Vec<Variable>, problems: &'a mut Vec<Problem>) -> Self {
        Self {
            positions: variables
                .iter()
                .enumerate()
                .map(|(at, variable)| (variable.name.clone(), at))
                .collect(),
            variables,
            used: HashSet::new(),
            required: HashSet::new(),
            bytes: 0,
            problems,
        }
    }

    fn check_flags(&mut self, options: &LoadOptions<'_>) {
        let names: Vec<&str> = self.variables.iter().map(|variable| variable.name.as_str()).collect();
        let mut unknown = Vec::new();
        for (name, _) in options.env_flags.iter().filter(|(name, _)| !names.contains(&name.as_str())) {
            let problem =
                Problem::without_place(format!("`--env {name}`: the plan's `vars` do not declare `{name}`"));
            unknown.push(if names.is_empty() {
                problem
            } else {
                problem.help(expected_one_of(name, &names, &[]))
            });
        }
        self.problems.append(&mut unknown);
    }

    fn resolve_all(&mut self) {
        for at in 0..self.variables.len() {
            self.resolve(at, 0);
        }
    }

    /// Makes a variable that is open known or broken, and those that it is made of.
    fn resolve(&mut self, at: usize, depth: usize) {
        let Some(Variable { value: Value::Open(node), place, name, .. }) = self.variables.get(at) else {
            return;
        };
        let (node, place, name) = (node.clone(), *place, name.clone());
        let text = node.scalar().map_or("", |scalar| scalar.text.as_str());
        let inner: Vec<usize> = parts(text)
            .unwrap_or_default()
            .iter()
            .filter_map(|part| match part {
                Part::Variable { name, .. } => self.positions.get(*name).copied(),
                Part::Text(_) => None,
            })
            .collect();
        let value = if depth >= MAX_DEPTH || inner.contains(&at) {
            let message = format!("`{name}` is made of itself, or of more than {MAX_DEPTH} others");
            self.problems.push(Problem::new(place, message));
            Value::Broken
        } else {
            for other in inner {
                self.resolve(other, depth + 1);
            }
            let mut filled = node;
            self.scalar(&mut filled);
            match (filled.kind, filled.filled) {
                (Kind::Scalar(Scalar { text, plain }), filled) => {
                    Value::Known { text, plain, secret: filled.is_some_and(|filled| filled.secret) }
                }
                _ => Value::Broken,
            }
        };
        // A cycle found further down has broken this one already.
        if let Some(variable) = self.variables.get_mut(at)
            && matches!(variable.value, Value::Open(_))
        {
            variable.value = value;
        }
    }

    fn node(&mut self, node: &mut Node) {
        match &mut node.kind {
            Kind::Broken => {}
            Kind::Seq(items) => items.iter_mut().for_each(|item| self.node(item)),
            Kind::Map(entries) => {
                for (key, value) in entries {
                    if key.value.contains("${") {
                        let problem = Problem::new(key.place, "`${…}` is filled in in values, not in keys");
                        self.problems.push(problem);
                    }
                    self.node(value);
                }
            }
            Kind::Scalar(_) => self.scalar(node),
        }
    }

    fn scalar(&mut self, node: &mut Node) {
        let Kind::Scalar(Scalar { text, plain }) = &node.kind else { return };
        if !text.contains("${") {
            return;
        }
        let found = match parts(text) {
            Ok(found) => found,
            Err((offset, message)) => {
                let help = "expected `${NAME}` or `${NAME:-default}`; `$${` stands for `${` itself";
                self.problems.push(Problem::new(node.place_within(offset, 2), message).help(help));
                node.kind = Kind::Broken;
                return;
            }
        };
        // A value that is nothing but `${NAME}` takes the type of what is filled in.
        let whole = matches!(found.as_slice(), [Part::Variable { .. }]);
        let mut result = Scalar { text: String::new(), plain: *plain };
        let (mut secret, mut broken) = (false, false);
        for part in &found {
            let Part::Variable { name, default, offset, length } = part else {
                if let Part::Text(text) = part {
                    result.text.push_str(text);
                }
                continue;
            };
            match self.value(name, *default) {
                Ok((text, plain, hidden)) => {
                    result.text.push_str(&text);
                    secret |= hidden;
                    if whole {
                        result.plain = plain;
                    }
                }
                Err(problem) => {
                    broken = true;
                    // To find a place within costs as much as the text is long.
                    let few = self.problems.len() <= ENOUGH_PROBLEMS;
                    let place = if few { node.place_within(*offset, *length) } else { node.place };
                    self.problems.extend(problem.map(|problem| Problem { place: Some(place), ..problem }));
                }
            }
        }
        if self.bytes <= MAX_FILLED_BYTES && self.bytes + result.text.len() > MAX_FILLED_BYTES {
            let message = format!("more than {MAX_FILLED_BYTES} bytes after filling in");
            self.problems.push(Problem::new(node.place, message));
        }
        self.bytes = self.bytes.saturating_add(result.text.len());
        broken |= self.bytes > MAX_FILLED_BYTES;
        let raw = text.clone();
        node.kind = if broken { Kind::Broken } else { Kind::Scalar(result) };
        node.text_column = None;
        node.text_lines = Vec::new();
        node.filled = Some(Box::new(Filled { raw, secret }));
    }

    /// Text, whether its type follows from it, and whether it is a secret; the problem is `None` when it is
    /// reported elsewhere.
    fn value(&mut self, name: &str, default: Option<&str>) -> Result<(String, bool, bool), Option<Problem>> {
        let Some(variable) = self.positions.get(name).and_then(|at| self.variables.get(*at)) else {
            return Err(Some(self.undeclared(name)));
        };
        self.used.insert(name.to_owned());
        if default.is_none() {
            self.required.insert(name.to_owned());
        }
        match (&variable.value, default) {
            (Value::Known { text, plain, secret }, None) => Ok((text.clone(), *plain, *secret)),
            // As in a shell, `:-` also replaces an empty value.
            (Value::Known { text, plain, secret }, Some(_)) if !text.is_empty() => {
                Ok((text.clone(), *plain, *secret))
            }
            (Value::Known { .. } | Value::Missing, Some(default)) => {
                Ok((default.to_owned(), !default.is_empty(), false))
            }
            (Value::Missing | Value::Broken | Value::Open(_), _) => Err(None),
        }
    }

    fn undeclared(&self, name: &str) -> Problem {
        let problem = Problem::without_place(format!("`vars` do not declare `{name}`"));
        let names: Vec<&str> = self.variables.iter().map(|variable| variable.name.as_str()).collect();
        match names.as_slice() {
            [] => problem.help(format!("declare it: `vars: {{{name}: …}}`")),
            _ if self.problems.len() > ENOUGH_PROBLEMS => problem,
            names => problem.help(expected_one_of(name, names, &[])),
        }
    }

    /// Puts the values into the tree, where `vars.NAME` of the expressions is read from.
    fn write_back(&self, vars: &mut Node) {
        let Kind::Map(entries) = &mut vars.kind else { return };
        for ((_, node), variable) in entries.iter_mut().zip(&self.variables) {
            match &variable.value {
                Value::Known { text, plain, secret } => {
                    let raw = format!("${{{}}}", variable.name);
                    node.kind = Kind::Scalar(Scalar { text: text.clone(), plain: *plain });
                    node.filled = variable.outside.then(|| Box::new(Filled { raw, secret: *secret }));
                }
                Value::Missing => {}
                Value::Broken | Value::Open(_) => node.kind = Kind::Broken,
            }
        }
    }

    fn report_missing(&mut self) {
        for variable in self.variables.iter().filter(|variable| matches!(variable.value, Value::Missing)) {
            let name = &variable.name;
            if self.required.contains(name) || !self.used.contains(name) {
                let problem = Problem::new(variable.place, format!("`{name}` has no value"));
                let help = format!("give it by `--env {name}=…`, in the environment or in a profile");
                self.problems.push(problem.help(help));
            }
        }
    }

    fn secrets(&self) -> Vec<String> {
        // Shorter ones would blot out half the message, and are no secret.
        const SHORTEST: usize = 3;
        let secret = |variable: &Variable| match &variable.value {
            Value::Known { text, secret: true, .. } if text.len() >= SHORTEST => Some(text.clone()),
            _ => None,
        };
        self.variables.iter().filter_map(secret).collect()
    }
}

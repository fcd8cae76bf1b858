//! Text to plan: tree, profile, filling in, reading; all problems of the file at once.

use std::sync::Arc;

use super::fields::{Reader, Value};
use super::node::{Kind, Node};
use super::suggest::expected_one_of;
use super::{PlanConfig, Problem, Problems, Redactor, Source, merge, vars, yaml};

/// What comes from outside the file.
pub struct LoadOptions<'a> {
    /// `--env NAME=VALUE`; of two with one name the later wins.
    pub env_flags: Vec<(String, String)>,
    /// The profile chosen on the command line.
    pub profile: Option<String>,
    /// The process environment; asked only for names that the plan declares.
    pub environment: &'a dyn Fn(&str) -> Option<String>,
}

impl Default for LoadOptions<'static> {
    /// Nothing from outside.
    fn default() -> Self {
        LoadOptions { env_flags: Vec::new(), profile: None, environment: &|_| None }
    }
}

/// A plan that was read.
#[derive(Debug)]
pub struct Loaded {
    pub config: PlanConfig,
    /// For the problems that later layers find.
    pub source: Arc<Source>,
    /// Of the values that no text may show.
    pub redactor: Arc<Redactor>,
    /// The profile that was merged in.
    pub profile: Option<String>,
    /// All profiles of the file, in its order.
    pub profiles: Vec<String>,
    /// What is wrong already; nothing may be run from it then.
    pub problems: Vec<Problem>,
}

/// Reads a plan.
///
/// # Errors
/// All that is wrong with it; only a text that is no YAML at all, or hostile, ends with the first problem.
pub fn load(file_name: &str, text: &str, options: &LoadOptions<'_>) -> Result<Loaded, Problems> {
    match read(file_name, text, options)? {
        loaded if loaded.problems.is_empty() => Ok(loaded),
        Loaded { source, problems, .. } => Err(Problems::new(source, problems)),
    }
}

/// Reads a plan as far as it can be read: what is wrong with it but leaves its shape whole is in
/// [`Loaded::problems`], so that the next layer can add what it finds and all is said at once.
///
/// # Errors
/// As [`load`], for a plan whose shape is broken.
pub fn read(file_name: &str, text: &str, options: &LoadOptions<'_>) -> Result<Loaded, Problems> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut problems = Vec::new();
    let tree = match yaml::read(text, &mut problems) {
        Ok(tree) => tree,
        Err(problem) => {
            problems.push(problem);
            // A text that is refused for its size is not kept.
            let shown = text.get(..text.len().min(yaml::MAX_TEXT_BYTES)).unwrap_or_default();
            return Err(Problems::new(Arc::new(Source::new(file_name, shown, Vec::new())), problems));
        }
    };
    let profile = chosen_profile(&tree, options, &mut problems);
    let profiles = tree.get("profiles").and_then(Node::entries).unwrap_or_default();
    let profiles = profiles.iter().map(|(name, _)| name.value.clone()).collect();
    let chosen = options.profile.as_ref().and(profile.as_ref()).map(|(_, patch)| patch.clone());
    let (mut tree, profile) = match profile {
        Some((name, patch)) => (merge::patched(Some(tree), &patch), Some(name)),
        None => (tree, None),
    };
    let secrets = vars::fill(&mut tree, chosen.as_ref(), options, &mut problems);
    let from_outside = secrets.clone();
    let source = Arc::new(Source::new(file_name, text, secrets));
    let mut reader = Reader::new(problems);
    match PlanConfig::read(&tree, &mut reader) {
        Some(config) => {
            let redactor = Arc::new(Redactor::of_plan(&from_outside, &config.vars));
            Ok(Loaded { config, source, redactor, profile, profiles, problems: reader.problems })
        }
        None => Err(Problems::new(source, reader.problems)),
    }
}

/// The profile that applies, by name, with what it changes.
fn chosen_profile(
    tree: &Node,
    options: &LoadOptions<'_>,
    problems: &mut Vec<Problem>,
) -> Option<(String, Node)> {
    let profiles = check_profiles(tree, problems);
    let default = tree.get("default_profile").filter(|node| !node.is_null()).map(|node| {
        let mut node = node.clone();
        vars::fill_profile(&mut node, tree, options, problems);
        node
    });
    let (name, place) = match (&options.profile, &default) {
        (Some(name), _) => (name.as_str(), None),
        (None, Some(node)) => (node.scalar()?.text.as_str(), Some(node.place)),
        (None, None) => return None,
    };
    if let Some((_, patch)) = profiles.iter().find(|(known, _)| *known == name) {
        // `load:` without anything changes nothing.
        let patch = if patch.is_null() {
            Node { kind: Kind::Map(Vec::new()), ..(*patch).clone() }
        } else {
            (*patch).clone()
        };
        return patch.entries().is_some().then(|| (name.to_owned(), patch));
    }
    let names: Vec<&str> = profiles.iter().map(|(name, _)| *name).collect();
    let help = if names.is_empty() {
        "the plan has no profiles".to_owned()
    } else {
        expected_one_of(name, &names, &[])
    };
    let message = format!("no profile `{}`", super::node::shorten(name));
    problems.push(Problem { place, message, help: Some(help) });
    None
}

/// What must hold of each profile, also of those that do not apply.
fn check_profiles<'a>(tree: &'a Node, problems: &mut Vec<Problem>) -> Vec<(&'a str, &'a Node)> {
    let Some(node) = tree.get("profiles").filter(|node| !node.is_null()) else { return Vec::new() };
    let Some(entries) = node.entries() else {
        problems.push(Problem::new(
            node.place,
            format!("expected a mapping of profiles, found {}", node.found()),
        ));
        return Vec::new();
    };
    for (_, patch) in entries {
        match &patch.kind {
            Kind::Map(changes) => {
                let own = changes
                    .iter()
                    .filter(|(key, _)| matches!(key.value.as_str(), "profiles" | "default_profile"));
                problems.extend(own.map(|(key, _)| {
                    Problem::new(key.place, format!("a profile cannot change `{}`", key.value))
                }));
            }
            _ if patch.is_null() => {}
            _ => problems.push(Problem::new(
                patch.place,
                format!("expected a mapping of changes, found {}", patch.found()),
            )),
        }
    }
    entries.iter().map(|(name, patch)| (name.value.as_str(), patch)).collect()
}

//! What a plan says of itself before it is filled in: for whoever is to choose a profile and values.

use super::node::Node;
use super::vars::looks_secret;
use super::yaml;

/// As far as the text can be read; what is wrong with it is said elsewhere.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PlanOutline {
    pub description: Option<String>,
    /// In the order of the file.
    pub profiles: Vec<String>,
    pub default_profile: Option<String>,
    pub variables: Vec<DeclaredVariable>,
}

/// One of `vars`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeclaredVariable {
    pub name: String,
    /// As it stands in the file, with `${…}` of its own; of a secret `None`.
    pub value: Option<String>,
    /// The plan has no value for it.
    pub required: bool,
    pub secret: bool,
    /// Profile and value, where a profile changes it; of a secret none.
    pub profiles: Vec<(String, String)>,
}

pub fn outline(text: &str) -> PlanOutline {
    let Ok(tree) = yaml::read(text.strip_prefix('\u{feff}').unwrap_or(text), &mut Vec::new()) else {
        return PlanOutline::default();
    };
    let profiles = entries(tree.get("profiles"));
    PlanOutline {
        description: text_of(tree.get("description")),
        profiles: profiles.iter().map(|(name, _)| (*name).to_owned()).collect(),
        default_profile: text_of(tree.get("default_profile")),
        variables: entries(tree.get("vars"))
            .into_iter()
            .map(|(name, value)| variable(name, value, &profiles))
            .collect(),
    }
}

fn variable(name: &str, value: &Node, profiles: &[(&str, &Node)]) -> DeclaredVariable {
    let value = text_of(Some(value));
    let of_profiles = profiles.iter().filter_map(|(profile, patch)| {
        Some(((*profile).to_owned(), text_of(patch.get("vars").and_then(|vars| vars.get(name)))?))
    });
    let of_profiles: Vec<(String, String)> = of_profiles.collect();
    let mut values = value.iter().chain(of_profiles.iter().map(|(_, value)| value));
    let secret = looks_secret(name) || values.any(|value| holds_password(value));
    DeclaredVariable {
        name: name.to_owned(),
        required: value.is_none(),
        value: value.filter(|_| !secret),
        secret,
        profiles: if secret { Vec::new() } else { of_profiles },
    }
}

/// `postgres://user:password@host`.
fn holds_password(value: &str) -> bool {
    let authority = value.split_once("://").and_then(|(_, rest)| rest.split(['/', '?', '#']).next());
    let user = authority.and_then(|authority| authority.rsplit_once('@')).map(|(user, _)| user);
    user.is_some_and(|user| user.contains(':'))
}

fn entries(node: Option<&Node>) -> Vec<(&str, &Node)> {
    let entries = node.and_then(Node::entries).unwrap_or_default();
    entries.iter().map(|(name, node)| (name.value.as_str(), node)).collect()
}

fn text_of(node: Option<&Node>) -> Option<String> {
    node.filter(|node| !node.is_null())?.scalar().map(|scalar| scalar.text.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_tells_its_profiles_and_variables_as_they_stand_there() {
        let found = outline(
            "name: a\ndescription: d\nvars: {URL: http://localhost, VUS: 10, NEEDED: null}\n\
             default_profile: load\nprofiles:\n  smoke: {vars: {VUS: 1}}\n  load:\n",
        );
        let variable = |name: &str, value: Option<&str>, profiles: &[(&str, &str)]| DeclaredVariable {
            name: name.to_owned(),
            value: value.map(str::to_owned),
            required: value.is_none(),
            secret: false,
            profiles: profiles
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
        };
        assert_eq!(
            found,
            PlanOutline {
                description: Some("d".to_owned()),
                profiles: vec!["smoke".to_owned(), "load".to_owned()],
                default_profile: Some("load".to_owned()),
                variables: vec![
                    variable("URL", Some("http://localhost"), &[]),
                    variable("VUS", Some("10"), &[("smoke", "1")]),
                    variable("NEEDED", None, &[]),
                ],
            }
        );
    }

    #[test]
    fn secrets_are_not_told() {
        let found = outline(
            "vars:\n  API_TOKEN: abc\n  PG: postgres://me:pw@db/x\n  PLAIN: http://me@host\n\
             profiles: {p: {vars: {API_TOKEN: def}}}\n",
        );
        let told: Vec<_> =
            found.variables.iter().map(|each| (each.value.as_deref(), each.secret, each.required)).collect();
        assert_eq!(told, [(None, true, false), (None, true, false), (Some("http://me@host"), false, false)]);
        assert!(found.variables.iter().all(|each| each.profiles.is_empty()));
    }

    #[test]
    fn what_is_no_plan_has_no_outline() {
        for text in ["", "[1, 2]", "a: [", "vars: 3\nprofiles: x"] {
            assert_eq!(outline(text).variables, [], "{text}");
        }
    }
}

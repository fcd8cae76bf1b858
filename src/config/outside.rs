//! The values that a plan takes from outside, for whoever sends it elsewhere to be read.

use super::LoadOptions;
use super::node::Node;
use super::yaml;

/// `--env` and, of the environment, what the plan declares and the chosen profile leaves open: given as `--env`, they
/// fill the plan in elsewhere as they would here. What is wrong with the plan is not told here.
pub fn values_from_outside(text: &str, options: &LoadOptions<'_>) -> Vec<(String, String)> {
    let mut values = options.env_flags.clone();
    let mut told_where_it_is_read = Vec::new();
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let Ok(tree) = yaml::read(text, &mut told_where_it_is_read) else { return values };
    let chosen = options.profile.as_ref().and_then(|name| tree.get("profiles")?.get(name));
    let of_profile = chosen.map(declared).unwrap_or_default();
    for name in declared(&tree) {
        let is_known = of_profile.contains(&name) || values.iter().any(|(known, _)| known == name);
        if !is_known && let Some(value) = (options.environment)(name) {
            values.push((name.to_owned(), value));
        }
    }
    values
}

fn declared(node: &Node) -> Vec<&str> {
    let entries = node.get("vars").and_then(Node::entries).unwrap_or_default();
    entries.iter().map(|(name, _)| name.value.as_str()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn declared_names_are_taken_from_the_environment_unless_something_stronger_says_them() {
        let plan = "vars: {A: 1, B: 2, C: 3, D: null}\n\
                    default_profile: load\n\
                    profiles: {load: {vars: {A: 4}}, smoke: {vars: {C: 5}}}\n";
        let environment = |name: &str| (name != "D").then(|| format!("env-{name}"));
        let check = |profile: Option<&str>, expected: &str| {
            let options = LoadOptions {
                env_flags: vec![("B".to_owned(), "flag".to_owned()), ("X".to_owned(), "flag".to_owned())],
                profile: profile.map(str::to_owned),
                environment: &environment,
            };
            let values = values_from_outside(plan, &options);
            let values: Vec<String> = values.iter().map(|(name, value)| format!("{name}={value}")).collect();
            assert_eq!(values.join(" "), expected);
        };
        check(None, "B=flag X=flag A=env-A C=env-C");
        check(Some("smoke"), "B=flag X=flag A=env-A");
        check(Some("none"), "B=flag X=flag A=env-A C=env-C");
        assert_eq!(values_from_outside("[", &LoadOptions::default()), []);
    }
}

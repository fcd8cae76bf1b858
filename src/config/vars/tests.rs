//! What is filled in, and from where.

use super::*;

fn filled(text: &str, flags: &[(&str, &str)], environment: &[(&str, &str)]) -> String {
    let mut problems = Vec::new();
    let mut tree = crate::config::yaml::read(text, &mut problems).unwrap();
    let lookup = |name: &str| {
        environment.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
    };
    let env_flags = flags.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    fill(&mut tree, None, &LoadOptions { env_flags, profile: None, environment: &lookup }, &mut problems);
    match problems.first() {
        Some(problem) => problem.message.clone(),
        None => tree.get("x").unwrap().scalar().map(|scalar| format!("{:?}", scalar.typed())).unwrap(),
    }
}

#[test]
fn a_whole_value_takes_its_type_after_filling() {
    assert_eq!(filled("vars: {A: 5}\nx: ${A}", &[], &[]), "Integer(5)");
    assert_eq!(filled("vars: {A: 5}\nx: \"${A}\"", &[], &[]), "Integer(5)");
    assert_eq!(filled("vars: {A: \"5\"}\nx: ${A}", &[], &[]), "Text(\"5\")");
    assert_eq!(filled("vars: {A: 5}\nx: ${A}", &[("A", "true")], &[]), "Bool(true)");
    assert_eq!(filled("vars: {A: 5}\nx: \"a ${A}\"", &[], &[]), "Text(\"a 5\")");
}

#[test]
fn flags_win_over_the_environment_and_that_over_the_file() {
    let text = "vars: {A: file}\nx: ${A}";
    assert_eq!(filled(text, &[("A", "flag")], &[("A", "environment")]), "Text(\"flag\")");
    assert_eq!(filled(text, &[], &[("A", "environment")]), "Text(\"environment\")");
    assert_eq!(filled(text, &[], &[]), "Text(\"file\")");
}

#[test]
fn a_default_stands_for_what_is_missing_or_empty() {
    assert_eq!(filled("vars: {A: null}\nx: ${A:-7}", &[], &[]), "Integer(7)");
    assert_eq!(filled("vars: {A: null}\nx: ${A:-7}", &[("A", "")], &[]), "Integer(7)");
    assert_eq!(filled("vars: {A: null}\nx: ${A}", &[], &[]), "`A` has no value");
    assert_eq!(filled("vars: {A: null}\nx: 1", &[], &[]), "`A` has no value");
    assert_eq!(filled("vars: {A: 1}\nx: ${A}", &[("A", "")], &[]), "Text(\"\")");
}

#[test]
fn the_environment_is_read_only_for_declared_names() {
    assert_eq!(filled("x: ${HOME}", &[], &[("HOME", "/root")]), "`vars` do not declare `HOME`");
    assert_eq!(filled("x: 1", &[("A", "1")], &[]), "`--env A`: the plan's `vars` do not declare `A`");
}

#[test]
fn a_doubled_dollar_stands_for_itself() {
    assert_eq!(filled("x: a $${B} $5", &[], &[]), "Text(\"a ${B} $5\")");
}

#[test]
fn variables_may_be_made_of_others_but_not_of_themselves() {
    assert_eq!(filled("vars: {A: \"${B}/a\", B: b}\nx: ${A}", &[], &[]), "Text(\"b/a\")");
    assert!(filled("vars: {A: \"${B}\", B: \"${A}\"}\nx: ${A}", &[], &[]).contains("made of itself"));
    assert_eq!(filled("vars: {A: a, B: b}\nx: ${A}", &[("A", "${B}")], &[]), "Text(\"${B}\")");
}

#[test]
fn variables_that_double_each_other_are_stopped() {
    let mut text = "vars:\n  V0: xxxxxxxxxxxxxxxx\n".to_owned();
    for at in 1..64 {
        let before = format!("${{V{}}}", at - 1);
        text.push_str(&format!("  V{at}: \"{before}{before}{before}{before}\"\n"));
    }
    text.push_str("x: ${V63}");
    assert!(filled(&text, &[], &[]).contains("bytes after filling in"));
}

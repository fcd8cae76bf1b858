//! "Did you mean …": the nearest of the names that would have been right.

/// The nearest name, if it is near enough to be what was meant.
pub(crate) fn nearest<'a>(wrong: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let folded = fold(wrong);
    // A third of the letters may differ, as cargo and clap have it.
    let most = (folded.chars().count() / 3).max(1);
    // More names than anyone declares by hand; a generated list may cost no more.
    const MOST: usize = 1000;
    names
        .into_iter()
        .take(MOST)
        .map(|name| (strsim::damerau_levenshtein(&folded, &fold(name)), name))
        .filter(|(distance, _)| *distance <= most)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// ``did you mean `a`? expected one of `a`, `b` ``; `unlisted` names are suggested, but not advertised.
pub(crate) fn expected_one_of(wrong: &str, names: &[&str], unlisted: &[&str]) -> String {
    const MOST: usize = 40;
    let mut listed: Vec<String> = names.iter().take(MOST).map(|name| format!("`{name}`")).collect();
    if names.len() > MOST {
        listed.push("…".to_owned());
    }
    let expected = match listed.as_slice() {
        [] => "expected no keys".to_owned(),
        [only] => format!("expected {only}"),
        [first, last] => format!("expected {first} or {last}"),
        _ => format!("expected one of {}", listed.join(", ")),
    };
    match nearest(wrong, names.iter().chain(unlisted).copied()) {
        Some(name) if names.len() == 1 => format!("did you mean `{name}`?"),
        Some(name) => format!("did you mean `{name}`? {expected}"),
        None => expected,
    }
}

/// `maxVUs`, `max-vus` and `max_vus` are the same word, and no more than 64 letters of it matter.
fn fold(name: &str) -> String {
    name.chars()
        .filter(|character| !matches!(character, '_' | '-'))
        .take(64)
        .flat_map(char::to_lowercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_suggested_only_when_it_is_near() {
        let names = ["rate", "time_unit", "duration"];
        assert_eq!(nearest("rte", names), Some("rate"));
        assert_eq!(nearest("timeUnit", names), Some("time_unit"));
        assert_eq!(nearest("banana", names), None);
    }
}

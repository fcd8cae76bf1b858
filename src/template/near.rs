//! Names close to one that does not exist, for error messages.

/// How many names a message suggests at most.
const MAX_SUGGESTIONS: usize = 3;

/// The names of `known` that `name` may be a misspelling of, nearest first.
pub(super) fn near_names<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let limit = name.chars().count().div_ceil(3).min(3);
    let mut near: Vec<(usize, &str)> = known
        .filter(|candidate| candidate.len().abs_diff(name.len()) <= 4 * limit)
        .map(|candidate| (distance(name, candidate), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .collect();
    near.sort_unstable();
    near.dedup();
    near.into_iter().map(|(_, candidate)| candidate).take(MAX_SUGGESTIONS).collect()
}

/// "did you mean `a`, `b` or `c`?", or nothing when nothing is near.
pub fn did_you_mean<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<String> {
    let quoted: Vec<String> = near_names(name, known).iter().map(|near| format!("`{near}`")).collect();
    let (last, first) = quoted.split_last()?;
    match first {
        [] => Some(format!("did you mean {last}?")),
        first => Some(format!("did you mean {} or {last}?", first.join(", "))),
    }
}

/// Insertions, deletions, replacements and swaps of neighbours that turn `a` into `b` (the optimal
/// string alignment distance); letters that differ in case only count as equal.
fn distance(a: &str, b: &str) -> usize {
    let a: Vec<char> = a.chars().map(|c| c.to_ascii_lowercase()).collect();
    let b: Vec<char> = b.chars().map(|c| c.to_ascii_lowercase()).collect();
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for (i, row) in rows.iter_mut().enumerate() {
        row[0] = i;
    }
    for (j, cell) in rows[0].iter_mut().enumerate() {
        *cell = j;
    }
    for i in 1..=a.len() {
        for j in 1..=b.len() {
            let replaced = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut least = replaced.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = least;
        }
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_names_come_first_and_far_ones_not_at_all() {
        let known = ["status", "scenario", "body", "token", "tokens"];
        assert_eq!(near_names("statsu", known.into_iter()), ["status"]);
        assert_eq!(near_names("tokn", known.into_iter()), ["token", "tokens"]);
        assert_eq!(near_names("order_id", known.into_iter()), [""; 0]);
        assert_eq!(near_names("BODY", known.into_iter()), ["body"]);
    }

    #[test]
    fn suggestions_read_as_a_question() {
        assert_eq!(did_you_mean("a1", ["a2"].into_iter()).as_deref(), Some("did you mean `a2`?"));
        let three = did_you_mean("a1", ["a2", "a3", "a4"].into_iter());
        assert_eq!(three.as_deref(), Some("did you mean `a2`, `a3` or `a4`?"));
        assert_eq!(did_you_mean("zzz", ["a2"].into_iter()), None);
    }
}

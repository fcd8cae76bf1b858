//! What a check found, and how it is told.

use serde_json::{Value as Json, json};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    Ok,
    /// It may do harm.
    Warning,
    /// A run will fail, or say nothing.
    Problem,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Finding {
    /// `descriptors`
    pub(super) check: &'static str,
    pub(super) level: Level,
    pub(super) what: String,
    /// The command that mends it, or what to do.
    pub(super) mend: Option<String>,
}

impl Finding {
    pub(super) fn ok(check: &'static str, what: impl Into<String>) -> Self {
        Finding { check, level: Level::Ok, what: what.into(), mend: None }
    }

    pub(super) fn warning(check: &'static str, what: impl Into<String>, mend: impl Into<String>) -> Self {
        Finding { check, level: Level::Warning, what: what.into(), mend: Some(mend.into()) }
    }

    pub(super) fn problem(check: &'static str, what: impl Into<String>, mend: impl Into<String>) -> Self {
        Finding { check, level: Level::Problem, what: what.into(), mend: Some(mend.into()) }
    }
}

impl Level {
    fn name(self) -> &'static str {
        match self {
            Level::Ok => "ok",
            Level::Warning => "warning",
            Level::Problem => "problem",
        }
    }
}

pub(super) fn text(findings: &[Finding]) -> String {
    let mut text = String::new();
    for Finding { check, level, what, mend } in findings {
        text.push_str(&format!("{:<8} {check}: {what}\n", level.name()));
        for line in mend.iter().flat_map(|mend| mend.lines()) {
            text.push_str(&format!("           mend: {line}\n"));
        }
    }
    let count = |level| findings.iter().filter(|finding| finding.level == level).count();
    let (problems, warnings) = (count(Level::Problem), count(Level::Warning));
    text + &format!("{} checks, problems: {problems}, warnings: {warnings}\n", findings.len())
}

pub(super) fn json(findings: &[Finding]) -> String {
    let list: Vec<Json> = findings
        .iter()
        .map(|finding| {
            json!({
                "check": finding.check, "level": finding.level.name(),
                "what": finding.what, "mend": finding.mend,
            })
        })
        .collect();
    format!("{:#}\n", Json::Array(list))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_finding_is_told_with_what_mends_it() {
        let findings = [
            Finding::ok("clock", "it is synchronised"),
            Finding::problem("descriptors", "256 are too few", "ulimit -n 1000\nor else"),
        ];
        let expected = "ok       clock: it is synchronised\nproblem  descriptors: 256 are too few\n\
                        \x20          mend: ulimit -n 1000\n           mend: or else\n2 checks, problems: 1, warnings: 0\n";
        assert_eq!(text(&findings), expected);
        let parsed: Json = serde_json::from_str(&json(&findings)).unwrap();
        assert_eq!(parsed[1]["level"], "problem");
        assert_eq!(parsed[0]["mend"], Json::Null);
    }
}

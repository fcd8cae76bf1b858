//! The syntax of expressions and templates, checked when a plan is read.

/// Checks an expression as it stands in `checks`, `when`, `until` or between `{{` and `}}`.
///
/// # Errors
/// The byte where it goes wrong, if known, and what is wrong.
pub(crate) fn check_expression(text: &str) -> Result<(), (Option<usize>, String)> {
    if text.trim().is_empty() {
        return Err((None, "an empty expression".to_owned()));
    }
    for braces in ["{{", "}}"] {
        if let Some(at) = text.find(braces) {
            return Err((Some(at), "`{{ }}` around an expression that stands alone".to_owned()));
        }
    }
    Ok(())
}

/// Checks a text that may hold `{{ expression }}`.
///
/// # Errors
/// As [`check_expression`].
pub(crate) fn check_template(text: &str) -> Result<(), (Option<usize>, String)> {
    let mut from = 0;
    while let Some(open) = text[from..].find("{{").map(|at| from + at) {
        let inner = open + 2;
        let Some(length) = text[inner..].find("}}") else {
            return Err((Some(open), "`{{` without `}}`".to_owned()));
        };
        let expression = &text[inner..inner + length];
        check_expression(expression)
            .map_err(|(at, message)| (Some(at.map_or(open, |at| inner + at)), message))?;
        from = inner + length + 2;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_have_balanced_braces() {
        assert_eq!(check_template("hello {{ vu }} and {{ iteration }}"), Ok(()));
        assert_eq!(check_template("}} is only text"), Ok(()));
        assert_eq!(check_template("a {{ vu }").unwrap_err().0, Some(2));
        assert_eq!(check_template("a {{ }}").unwrap_err().1, "an empty expression");
        assert_eq!(check_template("{{ {{ vu }}").unwrap_err().0, Some(3));
    }

    #[test]
    fn expressions_stand_without_braces() {
        assert_eq!(check_expression("status == 200"), Ok(()));
        assert!(check_expression("{{ status }}").is_err());
        assert!(check_expression(" ").is_err());
    }
}

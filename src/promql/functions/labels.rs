//! `label_replace` and `label_join`: labels from labels (`evalLabelReplace`, `evalLabelJoin` of Prometheus'
//! `promql/functions.go`).

use regex::Regex;

use super::{Function, Kernel};
use crate::labels::Labels;
use crate::promql::EvalError;
use crate::promql::pattern::anchored;

pub(super) const FUNCTIONS: &[Function] = &[
    Function { name: "label_replace", kernel: Kernel::Relabel(replace), keeps_name: true },
    Function { name: "label_join", kernel: Kernel::Relabel(join), keeps_name: true },
];

/// What is to be done to each label set of a vector.
#[derive(Debug)]
pub(in crate::promql) struct Relabel {
    destination: String,
    value: Replacement,
}

#[derive(Debug)]
enum Replacement {
    /// Where the whole value of `source` matches, what `template` makes of it: `$1`, `${1}`, `$name`.
    Captures {
        source: String,
        pattern: Regex,
        template: String,
    },
    Joined {
        separator: String,
        sources: Vec<String>,
    },
}

impl Relabel {
    /// `None`: the label set stays as it is. An empty value takes the label away.
    pub(in crate::promql) fn apply(&self, labels: &Labels) -> Option<Labels> {
        let of = |label: &String| labels.value(label).unwrap_or_default();
        let value = match &self.value {
            Replacement::Captures { source, pattern, template } => {
                let mut value = String::new();
                pattern.captures(of(source))?.expand(template, &mut value);
                value
            }
            Replacement::Joined { separator, sources } => {
                sources.iter().map(of).collect::<Vec<_>>().join(separator)
            }
        };
        Some(labels.with(&self.destination, &value))
    }

    /// Whether it gives a name to what it applies to: one that stays even where the name would be dropped.
    pub(in crate::promql) fn names(&self) -> bool {
        self.destination == "__name__"
    }
}

fn replace(strings: &[String]) -> Result<Relabel, EvalError> {
    let [destination, template, source, pattern] = strings else {
        return Err(EvalError::Invalid("label_replace() takes a vector and four strings".to_owned()));
    };
    let invalid = |_| EvalError::Invalid(format!("invalid regular expression in label_replace(): {pattern}"));
    let pattern = anchored(pattern).map_err(invalid)?;
    let destination = label_name(destination, "destination", "label_replace")?;
    let value = Replacement::Captures { source: source.clone(), pattern, template: template.clone() };
    Ok(Relabel { destination, value })
}

fn join(strings: &[String]) -> Result<Relabel, EvalError> {
    let [destination, separator, sources @ ..] = strings else {
        return Err(EvalError::Invalid("label_join() takes a vector and two strings or more".to_owned()));
    };
    let named = |source: &String| label_name(source, "source", "label_join");
    let sources = sources.iter().map(named).collect::<Result<_, _>>()?;
    let destination = label_name(destination, "destination", "label_join")?;
    Ok(Relabel { destination, value: Replacement::Joined { separator: separator.clone(), sources } })
}

/// In UTF-8 every name is one that is not empty.
fn label_name(name: &str, which: &str, function: &str) -> Result<String, EvalError> {
    if name.is_empty() {
        return Err(EvalError::Invalid(format!("invalid {which} label name in {function}(): {name}")));
    }
    Ok(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `a=1,b=2` for label sets; `-` where they stay.
    fn check(function: &str, strings: &[&str], labels: &str, expected: &str) {
        let strings: Vec<String> = strings.iter().map(|&text| text.to_owned()).collect();
        let Kernel::Relabel(kernel) = super::super::find(function).unwrap().kernel else {
            panic!("{function}")
        };
        let labels = Labels::new(labels.split(',').filter_map(|pair| pair.split_once('=')));
        let after = kernel(&strings).unwrap().apply(&labels);
        let shown = after.map_or("-".to_owned(), |after| {
            after.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(",")
        });
        assert_eq!(shown, expected, "{function}({strings:?}) of {labels}");
    }

    #[test]
    fn labels_are_replaced_where_the_whole_value_matches() {
        for (strings, labels, expected) in [
            (["dst", "got-$1", "src", "value-(.*)"], "src=value-10", "dst=got-10,src=value-10"),
            (["dst", "${1}0", "src", "value-(.*)"], "src=value-1", "dst=10,src=value-1"),
            (["dst", "$name", "src", "(?P<name>.*)"], "src=x", "dst=x,src=x"),
            (["dst", "$2", "src", "(.*)"], "dst=old,src=x", "src=x"),
            (["dst", "$$1", "src", ".*"], "src=x", "dst=$1,src=x"),
            (["dst", "new", "src", "alu"], "src=value", "-"),
            (["dst", "$1", "src", r"\Qa.b\E(\d)"], "src=a.b7", "dst=7,src=a.b7"),
            (["dst", "$1", "src", r"\Qa.b\E(\d)"], "src=a.b٧", "-"),
            (["dst", "new", "src", ".*"], "src=two\nlines", "dst=new,src=two\nlines"),
            (["dst", "new", "src", ""], "a=b", "a=b,dst=new"),
            (["src", "", "src", ".*"], "a=b,src=x", "a=b"),
            (["~odd name", "x", "src", ".*"], "src=y", "src=y,~odd name=x"),
            (["dst", "new", "src", "a|b"], "src=b", "dst=new,src=b"),
            // Braces that repeat, braces of escapes, and braces for themselves.
            (["dst", "new", "src", r"\p{L}{2,}\x{41}{id}"], "src=äöA{id}", "dst=new,src=äöA{id}"),
            (["dst", "$1", "src", "/{(.*)}"], "src=/{id}", "dst=id,src=/{id}"),
        ] {
            check("label_replace", &strings, labels, expected);
        }
    }

    #[test]
    fn labels_are_joined() {
        check("label_join", &["dst", "-", "a", "b", "c"], "a=1,c=3", "a=1,c=3,dst=1--3");
        check("label_join", &["dst", ", "], "a=1,dst=2", "a=1");
        check("label_join", &["a", "", "a", "a"], "a=1", "a=11");
    }

    #[test]
    fn wrong_arguments_are_said_in_prometheus_words() {
        let owned = |strings: &[&str]| strings.iter().map(|&text| text.to_owned()).collect::<Vec<_>>();
        for (got, expected) in [
            (replace(&owned(&["", "x", "src", ".*"])), "invalid destination label name in label_replace(): "),
            (
                replace(&owned(&["a", "x", "src", "(.*"])),
                "invalid regular expression in label_replace(): (.*",
            ),
            (join(&owned(&["", "-", "a"])), "invalid destination label name in label_join(): "),
            (join(&owned(&["a", "-", ""])), "invalid source label name in label_join(): "),
        ] {
            assert_eq!(got.unwrap_err().to_string(), expected);
        }
    }

    #[test]
    fn only_what_sets_the_name_gives_one() {
        let relabel = |destination: &str| join(&[destination.to_owned(), String::new()]).unwrap();
        assert!(relabel("__name__").names());
        assert!(!relabel("name").names());
    }
}

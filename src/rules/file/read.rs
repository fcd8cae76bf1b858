//! YAML to rule files, with Prometheus 3's idea of what is right; all problems of a file at once.

use std::collections::HashMap;
use std::sync::Arc;

use super::{GroupSpec, RuleFile, RuleKind, RuleSpec, Templated, lint};
use crate::config::fields::{Element, Fields, Reader, Value};
use crate::config::yaml::{self, Bounds};
use crate::config::{At, Place, Problem, Problems, Source};
use crate::rules::value::{Expression, Items, Limit, Pairs, PromDuration, Text};

/// A rule file without errors.
#[derive(Debug)]
pub struct Checked {
    pub file: RuleFile,
    /// What is doubtful in it, though Prometheus loads it.
    pub warnings: Problems,
}

impl RuleFile {
    /// The longest text that is read.
    pub const MAX_BYTES: usize = Bounds::RULES.text_bytes;

    /// Reads a rule file; `path` is for messages and for [`GroupSpec::file`].
    ///
    /// # Errors
    /// All that Prometheus would refuse.
    pub fn read(path: &str, text: &str) -> Result<Checked, Problems> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut problems = Vec::new();
        let first = match yaml::read_first(text, Bounds::RULES, &mut problems) {
            Ok(first) => first,
            Err(problem) => {
                problems.push(problem);
                let shown = text.get(..text.len().min(Self::MAX_BYTES)).unwrap_or_default();
                return Err(Problems::new(Arc::new(Source::new(path, shown, Vec::new())), problems));
            }
        };
        let source = Arc::new(Source::new(path, text, Vec::new()));
        let mut reader = Reader::new(problems);
        let read = match &first.root {
            Some(root) => FileElement::read(root, &mut reader),
            None => Some(FileElement { groups: Vec::new() }),
        };
        let element = match read {
            Some(element) if reader.problems.is_empty() => element,
            _ => return Err(Problems::new(source, reader.problems)),
        };
        let mut warnings = Vec::new();
        if let Some(second) = first.second {
            let problem = Problem::new(second, "a second document begins");
            warnings.push(problem.help("Prometheus reads the first one only"));
        }
        lint::lint(&element, &mut warnings);
        let groups = element.groups.into_iter().map(|group| group.into_spec(path)).collect();
        let file = RuleFile { path: path.to_owned(), groups };
        Ok(Checked { file, warnings: Problems::new(source, warnings) })
    }
}

pub(super) struct FileElement {
    pub(super) groups: Vec<GroupElement>,
}

pub(super) struct GroupElement {
    pub(super) name: At<Text>,
    pub(super) interval: Option<PromDuration>,
    limit: Option<Limit>,
    query_offset: Option<PromDuration>,
    pub(super) labels: Pairs,
    pub(super) rules: Vec<At<RuleElement>>,
}

pub(super) struct RuleElement {
    pub(super) name: At<String>,
    pub(super) alert: bool,
    pub(super) expr: At<Expression>,
    hold: Option<PromDuration>,
    keep_firing_for: Option<PromDuration>,
    pub(super) labels: Pairs,
    annotations: Pairs,
}

impl Element for FileElement {
    const NAME: &'static str = "rule file";
    const HELP: &'static str = "Rules as Prometheus loads them under `rule_files`";

    fn fields(f: &mut Fields<'_>) -> Option<Self> {
        let Items(groups): Items<GroupElement> = f.or_empty("groups", "groups of rules")?;
        let mut places: HashMap<&str, Place> = HashMap::new();
        for GroupElement { name, .. } in &groups {
            match places.get(name.value.0.as_str()) {
                Some(first) => {
                    let help = format!("the first is at {}:{}", first.line, first.column);
                    f.problem_at(name.place, format!("a second group `{}`", name.value.0), help);
                }
                None => drop(places.insert(&name.value.0, name.place)),
            }
        }
        Some(FileElement { groups })
    }
}

impl Element for GroupElement {
    const NAME: &'static str = "rule group";
    const HELP: &'static str = "Rules that are evaluated together, in their order";

    fn fields(f: &mut Fields<'_>) -> Option<Self> {
        let name: Option<At<Text>> = f.required("name", "of the group; once in a file");
        let interval = f.optional("interval", "how often the rules are evaluated");
        let limit = f.optional("limit", "the most alerts or series that a rule may have; 0 is no limit");
        let query_offset = f.optional("query_offset", "how far back in time the rules look");
        let labels: Option<Pairs> =
            f.or_empty("labels", "of all rules of the group, which may override them");
        let rules: Option<Items<At<RuleElement>>> = f.or_empty("rules", "alerting and recording rules");
        if name.as_ref().is_some_and(|name| name.value.0.is_empty()) {
            f.problem("name", "a group without a name", "expected a text".to_owned());
        }
        check_labels(f, labels.as_ref());
        Some(GroupElement {
            name: name?,
            interval: interval?,
            limit: limit?,
            query_offset: query_offset?,
            labels: labels?,
            rules: rules?.0,
        })
    }
}

impl Element for RuleElement {
    const NAME: &'static str = "rule";
    const HELP: &'static str = "An alerting rule (`alert`) or a recording rule (`record`)";

    fn fields(f: &mut Fields<'_>) -> Option<Self> {
        let record = f.optional::<At<Text>>("record", "the metric that is recorded");
        let alert = f.optional::<At<Text>>("alert", "the alert's name");
        let expr = f.required("expr", "a PromQL expression; each series it gives is an alert or is recorded");
        let hold = f.optional("for", "how long the expression must hold before the alert fires");
        let keep_firing_for = f.optional("keep_firing_for", "how long an alert fires on after it held last");
        let labels: Option<Pairs> = f.or_empty("labels", "of the alerts (templates), or of what is recorded");
        let annotations: Option<Pairs> = f.or_empty("annotations", "of the alerts (templates)");
        let (record, alert) = (given(record?), given(alert?));
        check_labels(f, labels.as_ref());
        let (name, is_alert) = match (record, alert) {
            (Some(_), Some(_)) => {
                f.problem(
                    "record",
                    "both `record` and `alert`",
                    "a rule is one of them; keep one".to_owned(),
                );
                return None;
            }
            (None, None) => {
                f.missing("alert", "an alert's name, or the key `record` with a metric's name");
                return None;
            }
            (Some(record), None) => {
                check_recording(f, &record);
                (record, false)
            }
            (None, Some(alert)) => {
                check_templates(f, labels.as_ref());
                check_templates(f, annotations.as_ref());
                check_annotation_names(f, annotations.as_ref());
                (alert, true)
            }
        };
        let (expr, hold, keep_firing_for) = (expr?, hold?, keep_firing_for?);
        let (labels, annotations) = (labels?, annotations?);
        if !is_alert {
            let not_zero = |duration: Option<PromDuration>| duration.is_some_and(|given| !given.0.is_zero());
            for (key, wrong) in [
                ("for", not_zero(hold)),
                ("keep_firing_for", not_zero(keep_firing_for)),
                ("annotations", !annotations.0.is_empty()),
            ] {
                if wrong {
                    f.problem(
                        key,
                        format!("a recording rule has no `{key}`"),
                        "it belongs to an alert".to_owned(),
                    );
                }
            }
        }
        Some(RuleElement { name, alert: is_alert, expr, hold, keep_firing_for, labels, annotations })
    }
}

/// An empty text is as good as none.
fn given(text: Option<At<Text>>) -> Option<At<String>> {
    text.map(|text| text.map(|text| text.0)).filter(|text| !text.value.is_empty())
}

fn check_recording(f: &mut Fields<'_>, record: &At<String>) {
    if record.value.contains(['{', '}']) {
        let help = "expected a metric's name; what is to be recorded belongs to `expr`".to_owned();
        f.problem_at(record.place, format!("braces in the name `{}`", record.value), help);
    }
}

fn check_labels(f: &mut Fields<'_>, labels: Option<&Pairs>) {
    for (name, _) in labels.into_iter().flat_map(|labels| &labels.0) {
        match name.value.as_str() {
            "" => f.problem_at(name.place, "a label without a name", None),
            "__name__" => {
                let help = "`record` names the metric, `alert` the alert".to_owned();
                f.problem_at(name.place, "`__name__` cannot be set by a label", help);
            }
            _ => {}
        }
    }
}

fn check_annotation_names(f: &mut Fields<'_>, annotations: Option<&Pairs>) {
    for (name, _) in annotations.into_iter().flat_map(|annotations| &annotations.0) {
        if name.value.is_empty() {
            f.problem_at(name.place, "an annotation without a name", None);
        }
    }
}

fn check_templates(f: &mut Fields<'_>, texts: Option<&Pairs>) {
    for (_, written) in texts.into_iter().flat_map(|texts| &texts.0) {
        if let Some(error) = Templated::new(written.text.as_str()).error() {
            let place = written.place_at(error.offset, 1);
            f.problem_at(place, format!("not a valid template: {error}"), None);
        }
    }
}

impl GroupElement {
    fn into_spec(self, file: &str) -> GroupSpec {
        let labels: Vec<(String, String)> =
            self.labels.0.into_iter().map(|(name, value)| (name.value, value.text)).collect();
        let rules =
            self.rules.into_iter().map(|rule| rule.value.into_spec(&labels, rule.place.line)).collect();
        GroupSpec {
            file: file.to_owned(),
            name: self.name.value.0,
            // 0 is what Prometheus takes for "not given".
            interval: self.interval.map(|interval| interval.0).filter(|interval| !interval.is_zero()),
            limit: self.limit.map_or(0, |limit| limit.0),
            query_offset: self.query_offset.map(|offset| offset.0),
            labels,
            rules,
        }
    }
}

impl RuleElement {
    fn into_spec(self, group_labels: &[(String, String)], line: u32) -> RuleSpec {
        let templated = |pairs: Pairs| pairs.0.into_iter().map(|(name, value)| (name.value, value.text));
        let labels = merged(group_labels.iter().cloned().chain(templated(self.labels)));
        let kind = match self.alert {
            false => RuleKind::Record,
            true => RuleKind::Alert {
                hold: self.hold.unwrap_or_default().0,
                keep_firing_for: self.keep_firing_for.unwrap_or_default().0,
                annotations: merged(templated(self.annotations)),
            },
        };
        RuleSpec { name: self.name.value, kind, query: self.expr.value.0, labels, line }
    }
}

/// By name; of two with one name the later wins.
fn merged(texts: impl Iterator<Item = (String, String)>) -> Vec<(String, Templated)> {
    let by_name: std::collections::BTreeMap<String, String> = texts.collect();
    by_name.into_iter().map(|(name, text)| (name, Templated::new(text))).collect()
}

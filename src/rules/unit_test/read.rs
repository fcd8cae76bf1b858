//! YAML to unit tests; all problems of a file at once.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use chrono::DateTime;
use serde_json::{Value as Json, json};

use super::{AlertCase, Firing, QueryCase, Test, TestFile};
use crate::config::fields::{Element, Fields, Reader, Value};
use crate::config::node::{Node, shorten};
use crate::config::schema::Schemas;
use crate::config::yaml::{self, Bounds};
use crate::config::{At, Problems, Source};
use crate::labels::Labels;
use crate::promql::notation::{self, StepValue};
use crate::rules::file::RuleFile;
use crate::rules::group::DEFAULT_INTERVAL;
use crate::rules::value::{Expression, Number, Pairs, PromDuration, Text};

impl TestFile {
    /// Reads a file of unit tests; `path` is for messages.
    ///
    /// # Errors
    /// All that promtool would refuse; native histograms, which loadgate does not have.
    pub fn read(path: &str, text: &str) -> Result<TestFile, Problems> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut problems = Vec::new();
        let first = yaml::read_first(text, Bounds::RULES, &mut problems);
        let shown = text.get(..text.len().min(RuleFile::MAX_BYTES)).unwrap_or_default();
        let source = Arc::new(Source::new(path, shown, Vec::new()));
        let root = match first {
            Ok(first) => first.root,
            Err(problem) => {
                problems.push(problem);
                return Err(Problems::new(source, problems));
            }
        };
        let mut reader = Reader::new(problems);
        let element = FileElement::read(&root.unwrap_or_else(|| Node::unwritten("null")), &mut reader);
        match element {
            Some(element) if reader.problems.is_empty() => Ok(element.into_file(path)),
            _ => Err(Problems::new(source, reader.problems)),
        }
    }
}

struct FileElement {
    rule_files: Vec<Text>,
    evaluation_interval: Option<PromDuration>,
    group_eval_order: Vec<At<Text>>,
    fuzzy_compare: bool,
    tests: Vec<At<TestElement>>,
}

struct TestElement {
    interval: Option<PromDuration>,
    series: Vec<SeriesElement>,
    alerts: Vec<At<AlertElement>>,
    queries: Vec<At<QueryElement>>,
    external_labels: Pairs,
    external_url: Option<Text>,
    name: Option<Text>,
    start: Option<Start>,
}

struct SeriesElement(Labels, Vec<StepValue>);

struct AlertElement {
    at: Option<PromDuration>,
    name: String,
    expected: Vec<ExpectedAlert>,
}

struct ExpectedAlert {
    labels: Pairs,
    annotations: Pairs,
}

struct QueryElement {
    expr: Expression,
    at: Option<PromDuration>,
    expected: Vec<ExpectedSample>,
}

struct ExpectedSample(Labels, f64);

/// In milliseconds since the Unix epoch.
struct Start(i64);

impl Element for FileElement {
    const NAME: &'static str = "rule tests";
    const HELP: &'static str = "Unit tests of rules, in promtool's format";

    fn fields(f: &mut Fields<'_>) -> Option<Self> {
        let rule_files = f.or_empty("rule_files", "patterns of paths, from the folder of this file");
        let evaluation_interval = f.optional("evaluation_interval", "how often all groups are evaluated; 1m");
        let order: Option<Vec<At<Text>>> =
            f.or_empty("group_eval_order", "groups that go first, in their order");
        let fuzzy_compare = f.optional("fuzzy_compare", "whether samples may differ in their last place");
        let tests = f.or_empty("tests", "the tests");
        let mut seen = HashSet::new();
        for name in order.iter().flatten() {
            if !seen.insert(name.value.0.as_str()) {
                f.problem_at(name.place, format!("the group `{}` for the second time", name.value.0), None);
            }
        }
        Some(FileElement {
            rule_files: rule_files?,
            evaluation_interval: evaluation_interval?,
            group_eval_order: order?,
            fuzzy_compare: fuzzy_compare?.unwrap_or_default(),
            tests: tests?,
        })
    }
}

impl Element for TestElement {
    const NAME: &'static str = "rule test";
    const HELP: &'static str = "Series over time, and what is asked about them";

    fn fields(f: &mut Fields<'_>) -> Option<Self> {
        let interval = f.optional("interval", "between two values of a series; `evaluation_interval`");
        let series = f.or_empty("input_series", "the series");
        let alerts = f.or_empty("alert_rule_test", "which alerts fire at a time");
        let queries = f.or_empty("promql_expr_test", "what queries give at a time");
        let external_labels = f.or_empty("external_labels", "for templates");
        let external_url = f.optional("external_url", "for templates");
        let name = f.optional("name", "of the test, for messages");
        let start = f.optional("start_timestamp", "when the test begins; 1970-01-01T00:00:00Z");
        Some(TestElement {
            interval: interval?,
            series: series?,
            alerts: alerts?,
            queries: queries?,
            external_labels: external_labels?,
            external_url: external_url?,
            name: name?,
            start: start?,
        })
    }
}

impl Element for SeriesElement {
    const NAME: &'static str = "input series";
    const HELP: &'static str = "A series and its values, one for each interval";

    fn fields(f: &mut Fields<'_>) -> Option<Self> {
        let metric: Option<Metric> = f.required("series", "such as `up{job=\"api\"}`");
        let values: Option<Option<Values>> = f.optional("values", "such as `0+10x5 _ stale`");
        Some(SeriesElement(metric?.0, values?.unwrap_or_default().0))
    }
}

impl Element for AlertElement {
    const NAME: &'static str = "alert test";
    const HELP: &'static str = "Which alerts of one name fire at a time";

    fn fields(f: &mut Fields<'_>) -> Option<Self> {
        let at = f.optional("eval_time", "since the test began");
        let name: Option<Option<Text>> = f.optional("alertname", "the alert's name");
        let expected = f.or_empty("exp_alerts", "the alerts that fire; empty when none does");
        let name = name?.map(|name| name.0).filter(|name| !name.is_empty());
        if name.is_none() {
            f.missing("alertname", "the alert's name");
        }
        Some(AlertElement { at: at?, name: name?, expected: expected? })
    }
}

impl Element for ExpectedAlert {
    const NAME: &'static str = "expected alert";
    const HELP: &'static str = "An alert that fires; `alertname` is among its labels without being named";

    fn fields(f: &mut Fields<'_>) -> Option<Self> {
        let labels = f.or_empty("exp_labels", "all its labels");
        let annotations = f.or_empty("exp_annotations", "all its annotations");
        Some(ExpectedAlert { labels: labels?, annotations: annotations? })
    }
}

impl Element for QueryElement {
    const NAME: &'static str = "query test";
    const HELP: &'static str = "What a query gives at a time";

    fn fields(f: &mut Fields<'_>) -> Option<Self> {
        let expr = f.required("expr", "a PromQL expression");
        let at = f.optional("eval_time", "since the test began");
        let expected = f.or_empty("exp_samples", "what it gives; empty when nothing");
        Some(QueryElement { expr: expr?, at: at?, expected: expected? })
    }
}

impl Element for ExpectedSample {
    const NAME: &'static str = "expected sample";
    const HELP: &'static str = "A label set and its value";

    fn fields(f: &mut Fields<'_>) -> Option<Self> {
        let labels: Option<Option<Metric>> = f.optional("labels", "such as `up{job=\"api\"}` or `{}`");
        let value: Option<Option<Number>> = f.optional("value", "a number");
        let histogram: Option<Option<Text>> = f.optional("histogram", "a native histogram; not supported");
        if histogram?.is_some_and(|histogram| !histogram.0.is_empty()) {
            f.problem("histogram", NO_HISTOGRAMS, None);
        }
        let labels = labels?.map_or_else(Labels::empty, |metric| metric.0);
        Some(ExpectedSample(labels, value?.map_or(0.0, |value| value.0)))
    }
}

const NO_HISTOGRAMS: &str = "native histograms are not supported";

struct Metric(Labels);

#[derive(Default)]
struct Values(Vec<StepValue>);

impl Value for Metric {
    fn expected() -> String {
        "a metric such as `up{job=\"api\"}`".to_owned()
    }

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        let Text(text) = Text::read(node, reader)?;
        match notation::metric(&text) {
            Ok(labels) => Some(Metric(labels)),
            Err(error) => {
                let message = format!("not a metric: {error}");
                reader.problem(node.place, message, format!("expected {}", Self::expected()));
                None
            }
        }
    }

    fn schema(_: &mut Schemas) -> Json {
        json!({"type": "string"})
    }
}

impl Value for Values {
    fn expected() -> String {
        "values such as `0+10x5 _ stale`".to_owned()
    }

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        let Text(text) = Text::read(node, reader)?;
        match notation::values(&text) {
            Ok(values) if values.contains(&StepValue::NativeHistogram) => {
                reader.problem(node.place, NO_HISTOGRAMS, None);
                None
            }
            Ok(values) => Some(Values(values)),
            Err(error) => {
                reader.problem(node.place, error.to_string(), None);
                None
            }
        }
    }

    fn schema(_: &mut Schemas) -> Json {
        json!({"type": ["string", "number"]})
    }
}

impl Value for Start {
    fn expected() -> String {
        "a moment such as `2026-01-31T12:00:00Z`, or seconds since 1970".to_owned()
    }

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        reader.scalar(node, &Self::expected(), |scalar| {
            let seconds = || scalar.text.parse::<f64>().ok().filter(|seconds| seconds.abs() < 1e12);
            let moment = || DateTime::parse_from_rfc3339(&scalar.text).ok();
            match seconds() {
                Some(seconds) => Some(Start((seconds * 1000.0).trunc() as i64)),
                None => moment().map(|moment| Start(moment.timestamp_millis())),
            }
        })
    }

    fn schema(_: &mut Schemas) -> Json {
        json!({"type": ["string", "number"]})
    }
}

impl FileElement {
    fn into_file(self, path: &str) -> TestFile {
        let interval = given(self.evaluation_interval).unwrap_or(DEFAULT_INTERVAL);
        TestFile {
            path: path.to_owned(),
            rule_files: self.rule_files.into_iter().map(|pattern| pattern.0).collect(),
            evaluation_interval: interval,
            group_eval_order: self.group_eval_order.into_iter().map(|name| name.value.0).collect(),
            fuzzy_compare: self.fuzzy_compare,
            tests: self
                .tests
                .into_iter()
                .map(|test| test.value.into_test(test.place.line, interval))
                .collect(),
        }
    }
}

impl TestElement {
    fn into_test(self, line: u32, default_interval: Duration) -> Test {
        let pairs = |pairs: Pairs| pairs.0.into_iter().map(|(name, value)| (name.value, value.text));
        let alerts = self.alerts.into_iter().map(|At { value: case, place }| AlertCase {
            line: place.line,
            at: case.at.unwrap_or_default().0,
            expected: case.expected.into_iter().map(|alert| alert.into_firing(&case.name)).collect(),
            name: case.name,
        });
        let queries = self.queries.into_iter().map(|At { value: case, place }| QueryCase {
            line: place.line,
            at: case.at.unwrap_or_default().0,
            query: case.expr.0,
            expected: case.expected.into_iter().map(|sample| (sample.0, sample.1)).collect(),
        });
        Test {
            name: self.name.map(|name| shorten(&name.0)).filter(|name| !name.is_empty()),
            line,
            interval: given(self.interval).unwrap_or(default_interval),
            start_ms: self.start.map_or(0, |start| start.0),
            // Of two with the same labels the later wins.
            series: self.series.into_iter().map(|SeriesElement(labels, values)| (labels, values)).collect(),
            alerts: alerts.collect(),
            queries: queries.collect(),
            external_labels: Labels::new(pairs(self.external_labels)),
            external_url: self.external_url.unwrap_or_default().0,
        }
    }
}

impl ExpectedAlert {
    fn into_firing(self, name: &str) -> Firing {
        let texts = |pairs: Pairs| -> BTreeMap<String, String> {
            pairs.0.into_iter().map(|(name, value)| (name.value, value.text)).collect()
        };
        let mut labels = texts(self.labels);
        labels.insert("alertname".to_owned(), name.to_owned());
        Firing { labels, annotations: texts(self.annotations) }
    }
}

/// 0 is what promtool takes for "not given".
fn given(duration: Option<PromDuration>) -> Option<Duration> {
    duration.map(|duration| duration.0).filter(|duration| !duration.is_zero())
}

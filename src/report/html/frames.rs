//! The answers to all that the dashboards ask, as JSON.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::LazyLock;
use std::time::Duration;

use serde_json::{Value as Json, json};

use super::Material;
use super::number::{write_exact, write_rounded};
use crate::dashboard::{Chosen, Dashboard, SHIPPED, Scope, Variable};
use crate::labels::Labels;
use crate::promql::{EvalError, Options, Point, Query, Source as _, TimeRange, Value};

/// Of one query; how many more there are is said.
const MAX_SERIES: usize = 100;
/// Finer than a second nothing is drawn.
const MIN_STEP: Duration = Duration::from_secs(1);
/// "All" of a variable that says nothing else.
const ANY: &str = ".*";
/// Dashboards that show many runs beside each other.
const OF_MANY_RUNS: [&str; 1] = ["loadgate-runs"];
/// A dashboard is left out where less than one in so many of its panels has anything to show: that of WebSockets, of a
/// run that opened none, still has the users.
const WORTH_A_LOOK: usize = 4;

/// Those that a run is looked at with, and their JSON without spaces. One that cannot be read is none: a test reads all.
static DASHBOARDS: LazyLock<Vec<(Dashboard, String)>> = LazyLock::new(|| {
    let of_one_run = SHIPPED.into_iter().filter(|shipped| !OF_MANY_RUNS.contains(&shipped.uid));
    let read = of_one_run.filter_map(|shipped| {
        let json: Json = serde_json::from_str(shipped.json).ok()?;
        Some((shipped.read().ok()?, json.to_string()))
    });
    read.collect()
});

/// The moments that charts show: their last is the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    from_ms: i64,
    to_ms: i64,
    step_ms: i64,
    interval: Duration,
}

impl Span {
    /// Whole seconds apart, no closer than samples are, and at most so many.
    pub(super) fn new(from_ms: i64, to_ms: i64, interval: Duration, points: i64) -> Self {
        let whole_ms = to_ms.saturating_sub(from_ms).max(0);
        let finest_secs = interval.max(MIN_STEP).as_millis().div_ceil(1_000);
        let finest_secs = i64::try_from(finest_secs).unwrap_or(i64::MAX);
        let steps = (points - 1).max(1);
        let step_secs =
            (whole_ms / steps / 1_000 + i64::from(whole_ms % (steps * 1_000) > 0)).max(finest_secs);
        let step_ms = step_secs.saturating_mul(1_000);
        Span { from_ms: to_ms - whole_ms / step_ms * step_ms, to_ms, step_ms, interval }
    }

    pub(super) fn json(self) -> Json {
        let secs = |ms: i64| ms as f64 / 1_000.0;
        json!({"from": secs(self.from_ms), "to": secs(self.to_ms), "step": secs(self.step_ms)})
    }

    fn scope(self, variables: BTreeMap<String, Chosen>) -> Scope {
        let millis = |ms: i64| Duration::from_millis(u64::try_from(ms).unwrap_or_default());
        Scope {
            variables,
            step: millis(self.step_ms),
            scrape_interval: self.interval,
            range: millis(self.to_ms - self.from_ms),
        }
    }
}

pub(super) struct Frames {
    pub(super) span: Span,
    /// Those of which there is something to see.
    pub(super) dashboards: Vec<&'static str>,
    /// What was chosen, by the variables' names.
    pub(super) variables: BTreeMap<String, String>,
    /// The members of a JSON object.
    pub(super) text: String,
}

impl Frames {
    pub(super) fn evaluate(material: &Material<'_>, span: Span) -> Result<Frames, EvalError> {
        let mut frames =
            Frames { span, dashboards: Vec::new(), variables: BTreeMap::new(), text: String::new() };
        for (dashboard, json) in &*DASHBOARDS {
            let before = frames.text.len();
            if frames.add(material, dashboard)? {
                frames.dashboards.push(json.as_str());
            } else {
                frames.text.truncate(before);
            }
        }
        Ok(frames)
    }

    pub(super) fn bytes(&self) -> usize {
        self.text.len()
    }

    /// Whether it is worth a look.
    fn add(&mut self, material: &Material<'_>, dashboard: &Dashboard) -> Result<bool, EvalError> {
        let chosen = chosen(material.run, dashboard);
        let named = chosen.iter().map(|(name, chosen)| (name.clone(), shown(chosen)));
        self.variables.extend(named);
        let scope = self.span.scope(chosen);
        let (mut asking, mut answered) = (0, 0);
        for panel in dashboard.all_panels().filter(|panel| panel.view.has_data()) {
            let mut any = false;
            for target in &panel.targets {
                let key = format!("{}/{}/{}", dashboard.uid, panel.id, target.ref_id);
                let instant = target.instant && !target.range;
                any |= self.ask(material, &key, &scope.expression(&target.expr), instant)?;
            }
            asking += 1;
            answered += usize::from(any);
        }
        for annotation in dashboard.annotations.list.iter().filter(|annotation| annotation.enable) {
            let key = format!("{}/annotation/{}", dashboard.uid, annotation.name);
            self.ask(material, &key, &scope.expression(&annotation.expr), false)?;
        }
        Ok(answered > 0 && answered * WORTH_A_LOOK >= asking)
    }

    /// Whether the answer comes from any series, rather than from `vector(0)`.
    fn ask(
        &mut self,
        material: &Material<'_>,
        key: &str,
        expr: &str,
        instant: bool,
    ) -> Result<bool, EvalError> {
        let options = Options { limits: material.limits.clone(), ..Options::default() };
        let Span { from_ms, to_ms, step_ms, .. } = self.span;
        let query = Query::parse(expr);
        let answer = query.as_ref().map_err(|error| error.message.clone()).map(|query| match instant {
            true => query.instant(material.store, to_ms, &options),
            false => query.range(material.store, from_ms, to_ms, step_ms, &options),
        });
        let frame = match answer {
            Ok(Ok(answer)) => self.frame(answer.value),
            Ok(Err(error @ (EvalError::Timeout | EvalError::Cancelled))) => return Err(error),
            Ok(Err(error)) => Some(json!({"error": error.to_string()}).to_string()),
            Err(message) => Some(json!({"error": message}).to_string()),
        };
        let Some(frame) = frame else { return Ok(false) };
        if !self.text.is_empty() {
            self.text.push(',');
        }
        self.text += &Json::from(key).to_string();
        self.text.push(':');
        self.text += &frame;
        Ok(query.is_ok_and(|query| self.has_series(material, &query)))
    }

    /// Whether any selector of the query has points in the time that is shown.
    fn has_series(&self, material: &Material<'_>, query: &Query) -> bool {
        let range = TimeRange { from_ms: self.span.from_ms, to_ms: self.span.to_ms };
        let mut any = false;
        for selector in query.selectors(&Options::default()).iter() {
            let _a_store_can_be_read = material.store.visit(&selector.matchers, range, &mut |_, _| {
                any = true;
                ControlFlow::Break(())
            });
        }
        any
    }

    /// `None` of an answer without series: a panel without a frame has no data.
    fn frame(&self, value: Value) -> Option<String> {
        let mut out = String::new();
        let left_out = match value {
            Value::Matrix(series) => {
                let left_out = series.len().saturating_sub(MAX_SERIES);
                out.push_str("{\"series\":[");
                listed(&mut out, series.into_iter().take(MAX_SERIES), |out, series| {
                    labels(out, &series.labels);
                    self.values(out, &series.points);
                })?;
                left_out
            }
            Value::Vector(samples) => {
                let left_out = samples.len().saturating_sub(MAX_SERIES);
                out.push_str("{\"instant\":[");
                listed(&mut out, samples.into_iter().take(MAX_SERIES), |out, sample| {
                    labels(out, &sample.labels);
                    point(out, sample.point);
                })?;
                left_out
            }
            Value::Scalar(scalar) => {
                out.push_str("{\"instant\":[");
                listed(&mut out, [scalar], |out, scalar| {
                    labels(out, &Labels::empty());
                    point(out, scalar);
                })?;
                0
            }
            Value::String { .. } => return None,
        };
        out.push(']');
        if left_out > 0 {
            out += &format!(",\"left_out\":{left_out}");
        }
        out.push('}');
        Some(out)
    }

    /// From the first point to the last, with a `null` at each moment without one.
    fn values(&self, out: &mut String, points: &[Point]) {
        let first_ms = points.first().map_or(self.span.from_ms, |point| point.at_ms);
        *out += ",\"t0\":";
        write_exact(out, first_ms as f64 / 1_000.0);
        *out += ",\"values\":[";
        let mut due_ms = first_ms;
        for point in points {
            while due_ms < point.at_ms {
                out.push_str("null,");
                due_ms += self.span.step_ms;
            }
            write_rounded(out, point.value);
            out.push(',');
            due_ms += self.span.step_ms;
        }
        if !points.is_empty() {
            out.pop();
        }
        out.push_str("]}");
    }
}

/// `None` if there are no items.
fn listed<T>(
    out: &mut String,
    items: impl IntoIterator<Item = T>,
    mut each: impl FnMut(&mut String, T),
) -> Option<()> {
    let mut items = items.into_iter();
    each(out, items.next()?);
    for item in items {
        out.push(',');
        each(out, item);
    }
    Some(())
}

/// Opens an object.
fn labels(out: &mut String, labels: &Labels) {
    let object: serde_json::Map<String, Json> =
        labels.iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
    *out += "{\"labels\":";
    *out += &Json::from(object).to_string();
}

/// Closes it.
fn point(out: &mut String, point: Point) {
    *out += ",\"value\":";
    write_exact(out, point.value);
    out.push('}');
}

/// This run, and all of anything else.
fn chosen(run: &Json, dashboard: &Dashboard) -> BTreeMap<String, Chosen> {
    let one =
        |key: &str| run.get(key).and_then(Json::as_str).map(|text| Chosen::Values(vec![text.to_owned()]));
    let all = |variable: &Variable| Chosen::All(variable.all_value().unwrap_or(ANY).to_owned());
    let of = |variable: &Variable| match variable.name() {
        "testid" => one("id"),
        "test" => one("test"),
        _ => None,
    };
    let variables = dashboard.templating.list.iter();
    variables
        .map(|variable| (variable.name().to_owned(), of(variable).unwrap_or_else(|| all(variable))))
        .collect()
}

/// As the page writes it.
fn shown(chosen: &Chosen) -> String {
    match chosen {
        Chosen::Values(values) => values.join("|"),
        Chosen::All(_) => "$__all".to_owned(),
    }
}

//! Runs by the library.

use std::path::Path;
use std::sync::Arc;

use loadgate::config::{self, LoadOptions};
use loadgate::family::Family;
use loadgate::plan::{Plan, compile};
use loadgate::report::{Finished, Progress};
use loadgate::run::{Listener, RunOptions, execute};
use loadgate::{labels::Labels, scheduler};

/// A run that has ended.
pub(crate) struct Ran {
    pub(crate) finished: Finished,
    /// What `/metrics` showed last.
    pub(crate) last: Samples,
    /// What it showed before, in order.
    pub(crate) earlier: Vec<Samples>,
}

/// Every sample of `/metrics`, as a time series database knows it.
#[derive(Debug, Clone)]
pub(crate) struct Samples(pub(crate) Vec<(String, Labels, f64)>);

#[derive(Default)]
struct Seen(Vec<Samples>);

impl Listener for Seen {
    fn progress(&mut self, _progress: &Progress) {}

    fn families(&mut self, families: Vec<Family>) {
        self.0.push(Samples::of(&families));
    }
}

pub(crate) fn compiled(text: &str) -> Result<Plan, config::Problems> {
    compiled_beside(text, Path::new(""))
}

fn compiled_beside(text: &str, base: &Path) -> Result<Plan, config::Problems> {
    let loaded = config::load("plan.yml", text, &LoadOptions::default())?;
    compile(&loaded, base)
}

/// Runs a plan to its end.
pub(crate) fn run(text: &str) -> Ran {
    try_run(text).unwrap_or_else(|problems| panic!("{problems}\n{text}"))
}

/// The problems of the plan, if it cannot be run.
pub(crate) fn try_run(text: &str) -> Result<Ran, config::Problems> {
    let plan = Arc::new(compiled(text)?);
    let mut seen = Seen::default();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let finished = runtime.block_on(execute(plan, options(), &mut seen, std::future::pending())).unwrap();
    let last = seen.0.pop().unwrap();
    Ok(Ran { finished, last, earlier: seen.0 })
}

/// Those of a run that nobody watches or steers, on two workers.
pub(crate) fn options() -> RunOptions {
    RunOptions {
        testid: "t1".to_owned(),
        tags: Vec::new(),
        load: scheduler::LoadOptions { workers: 2, ..scheduler::LoadOptions::default() },
        store: Arc::default(),
        external_url: String::new(),
        prometheus: None,
        standing: None,
        written: None,
        control: None,
        actions: loadgate::action::Options { allow_exec: true, ..Default::default() },
    }
}

impl Samples {
    pub(crate) fn of(families: &[Family]) -> Self {
        let mut samples = Vec::new();
        for family in families {
            family.each_sample(|name, labels, value| samples.push((name.to_owned(), labels.clone(), value)));
        }
        Samples(samples)
    }

    /// Samples of this name whose labels hold all of `labels`, summed; `None` when there is none.
    pub(crate) fn sum(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let matches = |sample: &&(String, Labels, f64)| {
            sample.0 == name
                && labels.iter().all(|(label, value)| sample.1.value(label).unwrap_or("") == *value)
        };
        let found: Vec<f64> = self.0.iter().filter(matches).map(|sample| sample.2).collect();
        (!found.is_empty()).then(|| found.iter().sum())
    }

    /// As [`sum`](Self::sum), 0 when there is none.
    pub(crate) fn count(&self, name: &str, labels: &[(&str, &str)]) -> u64 {
        self.sum(name, labels).unwrap_or(0.0) as u64
    }
}

impl Ran {
    /// A counter's sum at the end.
    pub(crate) fn count(&self, name: &str, labels: &[(&str, &str)]) -> u64 {
        self.last.count(name, labels)
    }

    /// (held, failed) of a check.
    pub(crate) fn check(&self, name: &str) -> (u64, u64) {
        let of = |condition| self.count("k6_checks_total", &[("check", name), ("condition", condition)]);
        (of("nonzero"), of("zero"))
    }

    /// What a person is told beside the numbers.
    pub(crate) fn notes(&self) -> String {
        let (notes, _) = self.finished.totals.notes();
        notes.iter().map(|note| format!("{} × {}\n", note.count, note.text)).collect()
    }

    /// Each gate that did not hold and each doubt, a line each.
    pub(crate) fn verdict(&self) -> String {
        loadgate::report::verdict_lines(&self.finished).join("\n")
    }
}

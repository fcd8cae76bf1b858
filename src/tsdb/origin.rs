//! What an origin showed last, so that the same series again cost no lookup, and missing ones are noticed.

use super::head::{Bringer, Head, SharedHead};
use super::sequence::Sequence;
use super::slab::Handle;
use super::{Intake, Metadata};
use crate::family::{Family, Float, Series, Value};
use crate::labels::Labels;
use crate::promql::{Point, STALE};

/// After so many refusals in one scrape nothing unknown is looked up any more: a hostile target gets no more work
/// out of us than this.
const MAX_REFUSALS: usize = 1000;

#[derive(Debug)]
pub(super) struct Shown {
    by: Bringer,
    /// What identifies the origin in its series.
    labels: Labels,
    families: Sequence<String, ShownFamily>,
    /// What is to be stored; kept for its memory.
    samples: Vec<(Handle, f64)>,
    /// How many series were refused in the latest scrape.
    refused: usize,
}

#[derive(Debug, Default)]
struct ShownFamily {
    described: Option<Metadata>,
    groups: Sequence<Labels, Group>,
}

/// The series that one label set of a family unfolds into.
#[derive(Debug)]
struct Group {
    parts: Box<[(Part, Handle)]>,
}

impl Shown {
    pub(super) fn new(by: Bringer) -> Self {
        Shown { by, labels: Labels::empty(), families: Sequence::default(), samples: Vec::new(), refused: 0 }
    }

    pub(super) fn by(&mut self) -> &mut Bringer {
        &mut self.by
    }

    pub(super) fn identify(&mut self, labels: Labels) {
        self.labels = labels;
    }

    pub(super) fn refused(&self) -> usize {
        self.refused
    }

    pub(super) fn begin(&mut self) {
        self.samples.clear();
        self.refused = 0;
        self.families.begin();
        self.families.values_mut().for_each(|family| family.groups.begin());
    }

    /// Looks up what was not there the last time; nothing is stored before [`Shown::store`].
    pub(super) fn take(&mut self, family: &Family, at_ms: i64, head: &SharedHead) {
        let Shown { by, labels: own, families, samples, refused } = self;
        if families.find(family.name.as_str()).is_none() {
            families.push(family.name.clone(), ShownFamily::default());
        }
        let Some(shown) = families.current() else { return };
        let described = shown.described.as_ref();
        if described.is_none_or(|known| known.kind != family.kind || known.help != family.help) {
            let metadata = Metadata { kind: family.kind, help: family.help.clone() };
            shown.described = Some(metadata.clone());
            head.write().describe(&family.name, by.number, metadata);
        }
        for series in &family.series {
            let mut known = shown.groups.find(&series.labels);
            if known.as_ref().is_some_and(|group| group.fill(&series.value, samples)) {
                continue;
            }
            if *refused > MAX_REFUSALS && known.is_none() {
                each_part(&series.value, |_, _| *refused += 1);
                continue;
            }
            match resolve(family, series, own, *by, at_ms, &mut head.write()) {
                Ok((labels, group)) => {
                    group.fill(&series.value, samples);
                    match &mut known {
                        Some(known) => {
                            let before = std::mem::replace(*known, group);
                            let ended = before.parts.iter().filter(|(_, handle)| !known.has(*handle));
                            samples.extend(ended.map(|(_, handle)| (*handle, STALE)));
                        }
                        None => shown.groups.push(labels, group),
                    }
                }
                Err(parts) => *refused += parts,
            }
        }
    }

    /// The scrape is over: what did not come ends.
    pub(super) fn finish(&mut self) {
        let Shown { families, samples, .. } = self;
        let mut end = |group: Group| samples.extend(group.parts.iter().map(|(_, handle)| (*handle, STALE)));
        families.values_mut().for_each(|family| family.groups.finish(&mut end));
        families.finish(|_| {});
    }

    pub(super) fn store(&mut self, at_ms: i64, head: &mut Head) -> Intake {
        let mut intake = Intake::default();
        for (handle, value) in &self.samples {
            head.append(*handle, Point { at_ms, value: *value }, self.by, &mut intake);
        }
        if intake.refused_series > 0 {
            self.prune(head);
        }
        intake.refused_series += self.refused;
        head.count(&intake);
        intake
    }

    /// Forgets handles of series that are no more, so that they are looked up again.
    pub(super) fn prune(&mut self, head: &Head) {
        let exists = |group: &Group| group.parts.iter().all(|(_, handle)| head.slab.get(*handle).is_some());
        self.families.values_mut().for_each(|family| family.groups.retain(exists));
    }
}

impl Group {
    /// Adds the values of these very parts; nothing where the parts are others.
    #[inline]
    fn fill(&self, value: &Value, samples: &mut Vec<(Handle, f64)>) -> bool {
        let begin = samples.len();
        let mut known = self.parts.iter();
        let mut fits = true;
        each_part(value, |part, number| match known.next() {
            Some((expected, handle)) if *expected == part => samples.push((*handle, number)),
            _ => fits = false,
        });
        fits &= known.next().is_none();
        if !fits {
            samples.truncate(begin);
        }
        fits
    }

    fn has(&self, handle: Handle) -> bool {
        self.parts.iter().any(|(_, known)| *known == handle)
    }
}

/// The series of a label set, and that label set as the store holds it; or how many series were refused.
fn resolve(
    family: &Family,
    series: &Series,
    own: &Labels,
    by: Bringer,
    at_ms: i64,
    head: &mut Head,
) -> Result<(Labels, Group), usize> {
    let (mut parts, mut labels) = (Vec::new(), Vec::new());
    let whole = if own.is_empty() { series.labels.clone() } else { series.labels.merged(own) };
    each_part(&series.value, |part, _| {
        parts.push(part);
        labels.push(part.labels(&family.name, &whole));
    });
    let handles = head.resolve(&labels, by, at_ms).ok_or(parts.len())?;
    // The last part, `_count` or the number itself, has no label of its own.
    let last = handles.last().and_then(|handle| head.slab.get(*handle)?.entry.as_ref());
    let held = last.map(|entry| entry.labels.without("__name__")).filter(|held| *held == series.labels);
    let group = Group { parts: parts.into_iter().zip(handles).collect() };
    Ok((held.unwrap_or_else(|| series.labels.clone()), group))
}

/// One sample of a family's series; bounds by their bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Number,
    Bucket(u64),
    Quantile(u64),
    Sum,
    Count,
}

impl Part {
    fn labels(self, family: &str, labels: &Labels) -> Labels {
        let float = |bits: u64| Float(f64::from_bits(bits)).to_string();
        match self {
            Part::Number => labels.with("__name__", family),
            Part::Bucket(le) => labels.with("le", &float(le)).with("__name__", &format!("{family}_bucket")),
            Part::Quantile(quantile) => labels.with("quantile", &float(quantile)).with("__name__", family),
            Part::Sum => labels.with("__name__", &format!("{family}_sum")),
            Part::Count => labels.with("__name__", &format!("{family}_count")),
        }
    }
}

/// As [`Family::each_sample`], without making names and labels.
#[inline]
fn each_part(value: &Value, mut each: impl FnMut(Part, f64)) {
    match value {
        Value::Number(value) => each(Part::Number, *value),
        Value::Histogram(histogram) => {
            for bucket in &histogram.buckets {
                each(Part::Bucket(bucket.le.to_bits()), bucket.count);
            }
            each(Part::Sum, histogram.sum);
            each(Part::Count, histogram.count);
        }
        Value::Summary(summary) => {
            for (quantile, value) in &summary.quantiles {
                each(Part::Quantile(quantile.to_bits()), *value);
            }
            each(Part::Sum, summary.sum);
            each(Part::Count, summary.count);
        }
    }
}

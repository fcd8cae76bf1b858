//! Samples to families: which family a sample belongs to, and histograms and summaries from their parts.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::Parsed;
use super::cursor::number;
use super::lines::{Declared, DeclaredKind, Lines, Sample};
use crate::exposition::Format;
use crate::family::{Bucket, Family, FamilyKind, Float, Histogram, Series, Summary, Value};
use crate::labels::Labels;

pub(super) fn families(lines: Lines, format: Format) -> Parsed {
    let mut parsed = Parsed { samples: lines.samples.len(), ..Parsed::default() };
    let mut drafts =
        Drafts { declared: &lines.declared, format, drafts: Vec::new(), by_name: HashMap::new() };
    let mut home_of_name: HashMap<Arc<str>, (usize, Part)> = HashMap::new();
    for sample in lines.samples {
        let (at, part) = match home_of_name.get(&sample.name) {
            Some(home) => *home,
            None => {
                let home = drafts.home(&sample.name);
                home_of_name.insert(Arc::clone(&sample.name), home);
                home
            }
        };
        if let Some(draft) = drafts.drafts.get_mut(at) {
            draft.samples.push((part, sample));
        }
    }
    for draft in drafts.drafts {
        draft.finish(&mut parsed);
    }
    parsed
}

/// What a sample is to its family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// The sample named as the family: a number, or a summary's quantile.
    Plain,
    Bucket,
    Sum,
    Count,
}

struct Drafts<'a> {
    declared: &'a HashMap<Arc<str>, Declared>,
    format: Format,
    drafts: Vec<Draft>,
    by_name: HashMap<Arc<str>, usize>,
}

impl Drafts<'_> {
    /// The family that samples of this name belong to. A name's own metadata goes before its ending.
    fn home(&mut self, sample: &Arc<str>) -> (usize, Part) {
        let declared = self.declared;
        if let Some(own) = declared.get(sample) {
            return (self.draft(sample, family_kind(own.kind), &own.help), Part::Plain);
        }
        let endings: [(&str, Part, &[DeclaredKind]); 3] = [
            ("_bucket", Part::Bucket, &[DeclaredKind::Histogram]),
            ("_sum", Part::Sum, &[DeclaredKind::Histogram, DeclaredKind::Summary]),
            ("_count", Part::Count, &[DeclaredKind::Histogram, DeclaredKind::Summary]),
        ];
        for (ending, part, kinds) in endings {
            if let Some(base) = sample.strip_suffix(ending)
                && let Some((name, own)) = declared.get_key_value(base)
                && kinds.contains(&own.kind)
            {
                return (self.draft(name, family_kind(own.kind), &own.help), part);
            }
        }
        if self.format == Format::OpenMetrics {
            // There these two are endings of samples; a family of ours is named as its samples are.
            for (ending, kind) in [("_total", DeclaredKind::Counter), ("_info", DeclaredKind::Info)] {
                if let Some(own) = sample.strip_suffix(ending).and_then(|base| declared.get(base))
                    && own.kind == kind
                {
                    return (self.draft(sample, family_kind(kind), &own.help), Part::Plain);
                }
            }
        }
        (self.draft(sample, FamilyKind::Unknown, ""), Part::Plain)
    }

    fn draft(&mut self, name: &Arc<str>, kind: FamilyKind, help: &str) -> usize {
        *self.by_name.entry(Arc::clone(name)).or_insert_with(|| {
            self.drafts.push(Draft { family: Family::new(&**name, kind, help), samples: Vec::new() });
            self.drafts.len() - 1
        })
    }
}

fn family_kind(kind: DeclaredKind) -> FamilyKind {
    match kind {
        DeclaredKind::Counter => FamilyKind::Counter,
        DeclaredKind::Gauge | DeclaredKind::Info | DeclaredKind::StateSet => FamilyKind::Gauge,
        DeclaredKind::Histogram => FamilyKind::Histogram,
        DeclaredKind::Summary => FamilyKind::Summary,
        DeclaredKind::GaugeHistogram | DeclaredKind::Unknown => FamilyKind::Unknown,
    }
}

/// A family and the samples that belong to it.
struct Draft {
    family: Family,
    samples: Vec<(Part, Sample)>,
}

impl Draft {
    fn finish(self, parsed: &mut Parsed) {
        let assembled = match self.family.kind {
            FamilyKind::Histogram => assemble(&self.samples, "le", Whole::histogram),
            FamilyKind::Summary => assemble(&self.samples, "quantile", Whole::summary),
            _ => None,
        };
        match (assembled, self.family.kind) {
            (Some((series, duplicates)), _) => {
                parsed.duplicates += duplicates;
                parsed.families.push(Family { series, ..self.family });
            }
            (None, FamilyKind::Histogram) => raw(self.samples, "le", parsed),
            (None, FamilyKind::Summary) => raw(self.samples, "quantile", parsed),
            (None, _) => {
                let mut family = self.family;
                let mut seen = HashSet::new();
                for (_, sample) in self.samples {
                    let labels = Labels::new(sample.labels);
                    push_once(&mut family, labels, sample.value, &mut seen, &mut parsed.duplicates);
                }
                parsed.families.push(family);
            }
        }
    }
}

fn push_once(
    family: &mut Family,
    labels: Labels,
    value: f64,
    seen: &mut HashSet<Labels>,
    duplicates: &mut usize,
) {
    if seen.insert(labels.clone()) {
        family.push(labels, value);
    } else {
        *duplicates += 1;
    }
}

/// The samples of what is no whole histogram or summary, each name a family of unknown kind.
fn raw(samples: Vec<(Part, Sample)>, bound_label: &str, parsed: &mut Parsed) {
    let mut families: Vec<(Family, HashSet<Labels>)> = Vec::new();
    for (_, mut sample) in samples {
        if let Some((_, bound)) = sample.labels.iter_mut().find(|(name, _)| &**name == bound_label)
            && let Ok(value) = number(bound.as_bytes())
        {
            *bound = Float(value).to_string().into();
        }
        // At most four names: the family's own, _bucket, _sum and _count.
        let at = families.iter().position(|(family, _)| *family.name == *sample.name).unwrap_or_else(|| {
            families.push((Family::new(&*sample.name, FamilyKind::Unknown, ""), HashSet::new()));
            families.len() - 1
        });
        if let Some((family, seen)) = families.get_mut(at) {
            push_once(family, Labels::new(sample.labels), sample.value, seen, &mut parsed.duplicates);
        }
    }
    parsed.families.extend(families.into_iter().map(|(family, _)| family));
}

/// The parts of one histogram or summary.
#[derive(Default)]
struct Whole {
    /// (bound or quantile, value), as they came.
    points: Vec<(f64, f64)>,
    sum: Option<f64>,
    count: Option<f64>,
}

/// All series of a family, each made by `whole` from the samples that differ in `bound_label` only, and the
/// number of duplicates. `None` when a part is missing, or one does not belong to it.
fn assemble(
    samples: &[(Part, Sample)],
    bound_label: &str,
    whole: impl Fn(Whole) -> Option<(Value, usize)>,
) -> Option<(Vec<Series>, usize)> {
    let mut duplicates = 0;
    let mut order: Vec<(Labels, Whole)> = Vec::new();
    let mut at_labels: HashMap<Labels, usize> = HashMap::new();
    for (part, sample) in samples {
        let is_point = match part {
            Part::Plain => bound_label == "quantile",
            Part::Bucket => true,
            Part::Sum | Part::Count => false,
        };
        let bound = sample.labels.iter().find(|(name, _)| &**name == bound_label);
        if bound.is_some() != is_point || (*part == Part::Plain && !is_point) {
            return None;
        }
        let labels = Labels::new(sample.labels.iter().filter(|(name, _)| &**name != bound_label).cloned());
        let at = *at_labels.entry(labels).or_insert_with_key(|labels| {
            order.push((labels.clone(), Whole::default()));
            order.len() - 1
        });
        let (_, parts) = order.get_mut(at)?;
        if let Some((_, bound)) = bound {
            parts.points.push((number(bound.as_bytes()).ok()?, sample.value));
        } else {
            let place = if *part == Part::Sum { &mut parts.sum } else { &mut parts.count };
            if place.is_some() {
                duplicates += 1;
            } else {
                *place = Some(sample.value);
            }
        }
    }
    let mut series = Vec::with_capacity(order.len());
    for (labels, parts) in order {
        let (value, repeated) = whole(parts)?;
        duplicates += repeated;
        series.push(Series { labels, value });
    }
    Some((series, duplicates))
}

impl Whole {
    /// Sorts the points and leaves out those whose bound came before; how many those were.
    fn settle(&mut self) -> usize {
        let before = self.points.len();
        self.points.sort_by(|(a, _), (b, _)| a.total_cmp(b)); // stable: the first stays first
        self.points.dedup_by(|(later, _), (earlier, _)| later == earlier);
        before - self.points.len()
    }

    fn histogram(mut self) -> Option<(Value, usize)> {
        let duplicates = self.settle();
        let cumulative = self.points.is_sorted_by(|(_, a), (_, b)| a <= b);
        let bounded = self.points.iter().all(|(le, count)| !le.is_nan() && !count.is_nan());
        let ends = self.points.last().is_some_and(|(le, _)| *le == f64::INFINITY);
        if !(cumulative && bounded && ends) {
            return None;
        }
        let buckets = self.points.iter().map(|(le, count)| Bucket { le: *le, count: *count }).collect();
        Some((
            Value::Histogram(Histogram { buckets, sum: self.sum?, count: self.count?, native: None }),
            duplicates,
        ))
    }

    fn summary(mut self) -> Option<(Value, usize)> {
        let duplicates = self.settle();
        if !self.points.iter().all(|(quantile, _)| (0.0..=1.0).contains(quantile)) {
            return None;
        }
        let (sum, count) = (self.sum?, self.count?);
        Some((Value::Summary(Summary { quantiles: self.points, sum, count }), duplicates))
    }
}

//! The store against a naive one: any scrapes, any questions.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::promql::{STALE, is_stale};

#[derive(Debug, Clone)]
enum Step {
    /// Some scrapes of one origin, which shows these series: by bits.
    Scrape {
        origin: usize,
        times: usize,
        step_ms: i64,
        shown: u8,
        shift: u32,
    },
    Append {
        series: usize,
        ahead_ms: i64,
        value: f64,
    },
    End {
        origin: usize,
    },
    Forget {
        series: usize,
    },
}

#[derive(Debug, Clone)]
struct Question {
    matchers: Vec<(&'static str, &'static str, &'static str)>,
    /// Parts of the whole time, in thousandths.
    from: i64,
    to: i64,
}

#[derive(Default)]
struct Model {
    points: BTreeMap<Labels, BTreeMap<i64, f64>>,
    shown: [BTreeSet<Labels>; 2],
}

const SERIES: usize = 7;

fn labels(origin: usize, series: usize) -> Labels {
    let group = ["a", "b"][series % 2];
    named("g", &[("i", &format!("{origin}{series}")), ("group", group)])
        .with("only", if series == 3 { "x" } else { "" })
}

impl Model {
    fn append(&mut self, labels: &Labels, at_ms: i64, value: f64) {
        let known = self.points.get(labels).and_then(|points| points.last_key_value());
        let nothing_to_end = known.is_none_or(|(_, last)| is_stale(*last)) && is_stale(value);
        if known.is_none_or(|(last_ms, _)| *last_ms < at_ms) && !nothing_to_end {
            self.points.entry(labels.clone()).or_default().insert(at_ms, value);
        }
    }

    fn scrape(&mut self, origin: usize, at_ms: i64, shown: &[(Labels, f64)]) {
        let now: BTreeSet<Labels> = shown.iter().map(|(labels, _)| labels.clone()).collect();
        let before = std::mem::replace(&mut self.shown[origin], now.clone());
        before.difference(&now).for_each(|labels| self.append(labels, at_ms, STALE));
        shown.iter().for_each(|(labels, value)| self.append(labels, at_ms, *value));
    }

    fn select(&self, matchers: &[Matcher], range: TimeRange) -> BTreeMap<Labels, Vec<(i64, u64)>> {
        let matching = |labels: &Labels| {
            matchers.iter().all(|matcher| matcher.matches(labels.value(&matcher.label).unwrap_or_default()))
        };
        let in_range = |points: &BTreeMap<i64, f64>| -> Vec<(i64, u64)> {
            points
                .range(range.from_ms..=range.to_ms)
                .map(|(at_ms, value)| (*at_ms, value.to_bits()))
                .collect()
        };
        let found = self.points.iter().filter(|(labels, _)| matching(labels));
        found
            .map(|(labels, points)| (labels.clone(), in_range(points)))
            .filter(|(_, points)| !points.is_empty())
            .collect()
    }
}

fn run(steps: &[Step]) -> (Store, Model, i64) {
    let (store, mut model) = (Store::default(), Model::default());
    let mut now_ms = 1_700_000_000_000;
    for step in steps {
        match step {
            Step::Scrape { origin: from, times, step_ms, shown, shift } => {
                for time in 0..*times {
                    now_ms += step_ms + (time % 3) as i64;
                    let shown = (0..SERIES).filter(|series| shown >> series & 1 == 1);
                    // Another order each time.
                    let value =
                        |series: usize| (now_ms as f64 * (series + 1) as f64) / 2_f64.powi(*shift as i32);
                    let mut shown: Vec<(Labels, f64)> =
                        shown.map(|series| (labels(*from, series), value(series))).collect();
                    let places = shown.len().max(1);
                    shown.rotate_left(time / 4 % places);
                    let mut family = Family::new("g", FamilyKind::Gauge, "");
                    shown.iter().for_each(|(labels, value)| family.push(labels.without("__name__"), *value));
                    store.scrape(&origin(&from.to_string()), now_ms, &[family]);
                    model.scrape(*from, now_ms, &shown);
                }
            }
            Step::Append { series, ahead_ms, value } => {
                let at_ms = now_ms + ahead_ms;
                store.append(&labels(0, *series), Point { at_ms, value: *value });
                model.append(&labels(0, *series), at_ms, *value);
            }
            Step::End { origin: from } => {
                now_ms += 1;
                store.end(&origin(&from.to_string()), now_ms);
                model.scrape(*from, now_ms, &[]);
            }
            Step::Forget { series } => {
                let gone = labels(0, *series);
                store.forget_matching(&[Matcher::equal("i", gone.value("i").unwrap())]);
                model.points.remove(&gone);
                for shown in &mut model.shown {
                    shown.remove(&gone);
                }
            }
        }
    }
    (store, model, now_ms)
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let value = prop_oneof![Just(STALE), Just(f64::NAN), Just(-0.0), any::<f64>()];
    let scrape = (0_usize..2, 1_usize..60, 1_i64..2000, any::<u8>(), 0_u32..40).prop_map(
        |(origin, times, step_ms, shown, shift)| Step::Scrape { origin, times, step_ms, shown, shift },
    );
    let step = prop_oneof![
        6 => scrape,
        2 => (0..SERIES, -20_i64..20, value)
            .prop_map(|(series, ahead_ms, value)| Step::Append { series, ahead_ms, value }),
        1 => (0_usize..2).prop_map(|origin| Step::End { origin }),
        1 => (0..SERIES).prop_map(|series| Step::Forget { series }),
    ];
    prop::collection::vec(step, 1..14)
}

fn question() -> impl Strategy<Value = Question> {
    let matcher = prop::sample::select(vec![
        ("__name__", "=", "g"),
        ("group", "=", "a"),
        ("group", "!=", "a"),
        ("i", "=~", "0."),
        ("i", "!~", ".[35]"),
        ("i", "=~", "00|11|02"),
        ("only", "=", ""),
        ("only", "=~", "x|"),
        ("only", "!=", ""),
    ]);
    (prop::collection::vec(matcher, 0..3), -50_i64..1050, 0_i64..1100)
        .prop_map(|(matchers, from, length)| Question { matchers, from, to: from + length })
}

proptest! {
    #[test]
    fn answers_are_those_of_a_naive_store(
        steps in steps(),
        questions in prop::collection::vec(question(), 1..8),
    ) {
        let (store, model, now_ms) = run(&steps);
        let begin_ms = 1_700_000_000_000;
        for Question { matchers, from, to } in questions {
            let matchers: Vec<Matcher> = matchers.iter().map(|(l, o, v)| matcher(l, o, v)).collect();
            let at = |part: i64| begin_ms + (now_ms - begin_ms) * part / 1000;
            let range = TimeRange { from_ms: at(from), to_ms: at(to) };
            let expected = model.select(&matchers, range);
            let bits = |points: &[Point]| points.iter().map(|p| (p.at_ms, p.value.to_bits())).collect::<Vec<_>>();
            let selected: BTreeMap<_, _> = store
                .select(&matchers, range)
                .unwrap()
                .into_iter()
                .map(|series| (series.labels, bits(&series.points)))
                .collect();
            prop_assert_eq!(&selected, &expected);
            let latest: BTreeMap<_, _> = store
                .latest(&matchers, range)
                .unwrap()
                .into_iter()
                .map(|sample| (sample.labels, bits(&[sample.point])[0]))
                .collect();
            let last = |(labels, points): (&Labels, &Vec<_>)| (labels.clone(), points[points.len() - 1]);
            prop_assert_eq!(latest, expected.iter().map(last).collect());
            // A chunk counts as a whole.
            let series: BTreeSet<Labels> = store.series(&matchers, range).into_iter().collect();
            prop_assert!(expected.keys().all(|labels| series.contains(labels)));
        }
        let stats = store.stats();
        let held: usize = model.points.values().map(BTreeMap::len).sum();
        prop_assert_eq!((stats.series, stats.samples), (model.points.len(), held as u64));
    }
}

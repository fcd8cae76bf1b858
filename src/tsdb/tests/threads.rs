//! One thread brings, others ask.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use super::*;

#[test]
fn readers_see_whole_ticks_in_order_while_series_come_and_go() {
    const TICKS: i64 = 600;
    let store = Store::default();
    let is_over = AtomicBool::new(false);
    let read = || {
        let mut asked = 0;
        while !is_over.load(Ordering::Relaxed) || asked == 0 {
            let series = store.select(&[Matcher::equal("__name__", "steady")], ALL).unwrap();
            let last = series.first().map(|series| series.points[series.points.len() - 1]);
            for series in &series {
                let times: Vec<i64> = series.points.iter().map(|point| point.at_ms).collect();
                assert_eq!(times, (0..times.len() as i64).collect::<Vec<_>>(), "{}", series.labels);
                assert_eq!(series.points.last().copied(), last, "{}: part of a tick", series.labels);
            }
            let some = [Matcher::equal("__name__", "steady"), matcher("i", "!~", "1.*")];
            let latest = store.latest(&some, ALL).unwrap();
            assert!(
                latest.windows(2).all(|pair| pair[0].point == pair[1].point),
                "part of a tick: {latest:?}"
            );
            assert!([0, 9].contains(&latest.len()) && store.label_values("i", &[], ALL).len() <= 54);
            asked += 1;
        }
    };
    thread::scope(|scope| {
        let readers = [scope.spawn(read), scope.spawn(read)];
        for tick in 0..TICKS {
            let steady = gauges("steady", (0..20).map(|i| (i, tick as f64)));
            let coming = gauges("coming", (0..5).map(|i| (i + tick as usize % 50, tick as f64)));
            store.scrape(&origin("a"), tick, &[steady, coming]);
            if tick % 100 == 99 {
                store.forget_matching(&[Matcher::equal("__name__", "coming")]);
            }
        }
        is_over.store(true, Ordering::Relaxed);
        readers.into_iter().for_each(|reader| reader.join().unwrap());
    });
    assert_eq!(store.series(&[Matcher::equal("__name__", "steady")], ALL).len(), 20);
}

#[test]
fn new_series_of_a_tick_under_way_are_not_seen_in_part() {
    let store = Store::default();
    let new = [gauges("new", [(0, 1.0)]), gauges("new_too", [(0, 1.0)])];
    let mut seen_meanwhile = Vec::new();
    let brought = new.iter().inspect(|_| seen_meanwhile.push(store.matching(&[]).len()));
    store.scrape(&origin("a"), 0, brought);
    assert_eq!((seen_meanwhile, store.matching(&[]).len()), (vec![0, 0], 2));
}

//! Paced rounds of `repeat`: due at multiples of their period, none left out, none late without being measured.

use super::*;

fn rounds(repeat: &str) -> Arc<Plan> {
    plan_with(
        "metrics: {rounds: {type: counter}}",
        &format!("  s: {{executor: constant-vus, duration: 1s, flow: [{{repeat: {{{repeat}}}}}]}}"),
    )
}

async fn check(repeat: &str, expected: u64, took: f64, longest_lag: f64) {
    let ran = run(&rounds(repeat), 1).await;
    let rounds = ran.totals.catalog().find("rounds").unwrap();
    let lag = ran.trend(metric::ROUND_LAG).unwrap();
    assert_eq!((ran.count(rounds), lag.count()), (expected, expected), "{repeat}");
    let near = |found: f64, expected: f64| (found - expected).abs() < 0.01;
    // Virtual time; tokio's timers round up to a millisecond.
    assert!(near(ran.elapsed.as_secs_f64(), took), "{repeat}: took {:?}", ran.elapsed);
    let longest = lag.max().unwrap() / 1e9;
    assert!(near(longest, longest_lag), "{repeat}: {longest} s late");
}

#[tokio::test(start_paused = true)]
async fn rounds_are_due_at_multiples_of_their_period() {
    let flow = "flow: [{record: {rounds: 1}}, {sleep: 30ms}]";
    // 0 to 1.9 s; the last takes 30 ms.
    check(&format!("every: 100ms, for: 2s, {flow}"), 20, 1.93, 0.0).await;
    check(&format!("every: 100ms, times: 20, {flow}"), 20, 1.93, 0.0).await;
    check(&format!("every: 100ms, times: 30, for: 2s, {flow}"), 20, 1.93, 0.0).await;
}

#[tokio::test(start_paused = true)]
async fn a_late_round_is_made_up_for_and_its_lateness_measured() {
    // Each takes twice its period: the twentieth is due at 1.9 s and begins at 3.8 s.
    check("every: 100ms, for: 2s, flow: [{record: {rounds: 1}}, {sleep: 200ms}]", 20, 4.0, 1.9).await;
    // One that is late by three periods, once; then all are in time again.
    let hiccup = "{if: {when: n == 3, then: [{sleep: 300ms}]}}, {set: {n: n + 1}}";
    let plan = plan_with(
        "metrics: {rounds: {type: counter}}",
        &format!(
            "  s: {{executor: constant-vus, duration: 1s, flow: [{{set: {{n: '0'}}}}, \
               {{repeat: {{every: 100ms, times: 20, flow: [{hiccup}]}}}}]}}"
        ),
    );
    let ran = run(&plan, 1).await;
    let lag = ran.trend(metric::ROUND_LAG).unwrap();
    assert_eq!(lag.count(), 20);
    assert!((lag.max().unwrap() / 1e9 - 0.2).abs() < 0.01, "{:?}", lag.max());
    assert!((ran.elapsed.as_secs_f64() - 1.9).abs() < 0.01, "lateness added up: {:?}", ran.elapsed);
}

#[tokio::test(start_paused = true)]
async fn without_a_period_rounds_begin_until_the_time_is_over() {
    let plan = plan_with(
        "metrics: {rounds: {type: counter}}",
        "  s: {executor: constant-vus, duration: 1s, flow: [{repeat: {for: 1s, flow: [{record: {rounds: 1}}, {sleep: 300ms}]}}]}",
    );
    let ran = run(&plan, 1).await;
    let rounds = ran.totals.catalog().find("rounds").unwrap();
    assert_eq!(ran.count(rounds), 4);
    assert!(ran.trend(metric::ROUND_LAG).is_none(), "only paced rounds can be late");
}

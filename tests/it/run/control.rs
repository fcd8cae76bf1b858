//! A run that is paused, resumed and scaled while it lasts, by the handle that the daemon has too.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;

use loadgate::family::Family;
use loadgate::report::{Finished, Phase, Progress};
use loadgate::run::{Control, Listener, RunOptions, ScaleLimits, ScaleTo, execute};
use loadgate::verdict::Verdict;
use tokio::sync::{oneshot, watch};

use crate::stage::{HttpServer, Samples, compiled, options, reply};

/// Shows what the run told last, and keeps the phases.
struct Shown {
    progress: watch::Sender<Progress>,
    phases: Vec<Phase>,
    samples: Vec<Samples>,
}

impl Listener for Shown {
    fn phase(&mut self, phase: Phase) {
        self.phases.push(phase);
    }

    fn progress(&mut self, progress: &Progress) {
        self.progress.send_replace(progress.clone());
    }

    fn families(&mut self, families: Vec<Family>) {
        self.samples.push(Samples::of(&families));
    }
}

/// Whoever controls the run, and sees how it goes.
struct Hand {
    control: Control,
    progress: watch::Receiver<Progress>,
    stop: Option<oneshot::Sender<()>>,
}

struct Controlled {
    finished: Finished,
    phases: Vec<Phase>,
    samples: Vec<Samples>,
    control: Control,
}

impl Hand {
    async fn see(&mut self, what: impl FnMut(&Progress) -> bool) -> Progress {
        self.progress.wait_for(what).await.unwrap().clone()
    }
}

/// The plan is at its end when `meanwhile` is, or later.
fn run(text: &str, limits: ScaleLimits, meanwhile: impl AsyncFnOnce(&mut Hand)) -> Controlled {
    let plan = Arc::new(compiled(text).unwrap_or_else(|problems| panic!("{problems}\n{text}")));
    let (control, controlled) = Control::new(limits);
    let (sender, progress) = watch::channel(Progress::default());
    let (stop, stopped) = oneshot::channel();
    let mut shown = Shown { progress: sender, phases: Vec::new(), samples: Vec::new() };
    let mut hand = Hand { control: control.clone(), progress, stop: Some(stop) };
    let stop = async {
        match stopped.await {
            Ok(()) => "somebody".to_owned(),
            Err(_) => std::future::pending().await,
        }
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let options = RunOptions { control: Some(controlled), ..options() };
    let finished = runtime.block_on(async {
        let (finished, ()) = tokio::join!(execute(plan, options, &mut shown, stop), meanwhile(&mut hand));
        finished.unwrap()
    });
    Controlled { finished, phases: shown.phases, samples: shown.samples, control }
}

fn fast_server() -> HttpServer {
    HttpServer::start(|_| async { reply(200, "ok") })
}

fn plan(scenarios: &str, server: &HttpServer) -> String {
    format!(
        "name: controlled\nscenarios:\n{}",
        scenarios.replace("GET", &format!("http: {{url: '{}/'}}", server.url()))
    )
}

impl Controlled {
    fn last(&self, name: &str) -> u64 {
        self.samples.last().unwrap().count(name, &[])
    }
}

#[test]
fn a_pause_loses_nothing_and_is_no_doubt() {
    let server = fast_server();
    let text = plan(
        "  s: {executor: constant-arrival-rate, rate: 20, duration: 3s, pre_allocated_vus: 20, flow: [GET]}\n",
        &server,
    ) + "thresholds: {iterations: [count==61], dropped_iterations: [count==0], http_req_failed: [rate==0]}\n";
    let mut in_pause = Vec::new();
    let ran = run(&text, ScaleLimits::default(), async |hand| {
        hand.see(|progress| progress.scenarios.first().is_some_and(|each| each.completed > 0)).await;
        hand.control.pause().await.unwrap();
        assert_eq!(hand.control.pause().await, Err("the run is paused already".to_owned()));
        // One that was under way may end in it.
        let begun =
            hand.see(|progress| progress.scenarios[0].active_vus == 0 && progress.paused.as_secs() >= 1);
        let (begun, before) = (begun.await, server.answered());
        let later = hand.see(|progress| progress.paused > begun.paused + Duration::from_secs(1)).await;
        assert_eq!(
            (later.phase, later.elapsed),
            (Phase::Paused, begun.elapsed),
            "the clock of the load stands still"
        );
        assert_eq!(server.answered(), before, "nothing is sent");
        in_pause.push(before);
        hand.control.resume().await.unwrap();
        assert_eq!(hand.control.resume().await, Err("the run is not paused".to_owned()));
    });
    assert_eq!(ran.finished.verdict, Verdict::Passed, "{:?}", loadgate::report::verdict_lines(&ran.finished));
    assert!(ran.finished.doubts.is_empty(), "{:?}", ran.finished.doubts);
    assert!((1..61).contains(&in_pause[0]), "paused in the middle: {in_pause:?}");
    assert_eq!((server.answered(), ran.last("k6_iterations_total")), (61, 61));
    assert!(ran.finished.paused > Duration::from_secs(2), "{:?}", ran.finished.paused);
    assert!(ran.last("loadgate_run_paused_seconds_total") >= 2);
    let paused = |samples: &&Samples| samples.count("loadgate_run_state", &[("state", "paused")]) == 1;
    assert!(ran.samples.iter().filter(paused).count() >= 2, "it is seen at each tick");
    assert_eq!(ran.phases[..4], [Phase::Preflight, Phase::Running, Phase::Paused, Phase::Running]);
    assert_eq!(ran.phases.last(), Some(&Phase::Finished));
    assert!(ran.phases.windows(2).all(|pair| pair[0] != pair[1]), "each change once: {:?}", ran.phases);
}

#[test]
fn a_run_that_is_stopped_in_a_pause_ends() {
    let server = fast_server();
    let text = plan(
        "  rate: {executor: constant-arrival-rate, rate: 50, duration: 1h, pre_allocated_vus: 20, flow: [GET]}\n  \
           users: {executor: constant-vus, vus: 3, duration: 1h, flow: [GET, {sleep: 10ms}]}\n",
        &server,
    ) + &format!("teardown: [{{http: {{url: '{}/'}}}}]\n", server.url());
    let ran = run(&text, ScaleLimits::default(), async |hand| {
        hand.see(|progress| progress.scenarios.iter().any(|each| each.completed > 0)).await;
        hand.control.pause().await.unwrap();
        hand.see(|progress| progress.scenarios.iter().all(|each| each.active_vus == 0)).await;
        hand.stop.take().unwrap().send(()).unwrap();
    });
    assert_eq!(ran.finished.verdict, Verdict::Stopped);
    assert_eq!(ran.finished.ended_by.as_deref(), Some("somebody"));
    assert_eq!(
        (ran.last("k6_dropped_iterations_total"), ran.last("k6_interrupted_iterations_total")),
        (0, 0)
    );
    let end = [Phase::Paused, Phase::Draining, Phase::Teardown, Phase::Finished];
    assert_eq!(ran.phases[ran.phases.len() - 4..], end, "{:?}", ran.phases);
}

#[test]
fn users_and_rates_are_scaled_within_the_limits() {
    let server = fast_server();
    let text = plan(
        "  users: {executor: constant-vus, vus: 2, duration: 1h, flow: [GET, {sleep: 20ms}]}\n  \
           rate: {executor: constant-arrival-rate, rate: 60, time_unit: 1m, duration: 1h, pre_allocated_vus: 5, flow: [GET]}\n  \
           ramp: {executor: ramping-vus, stages: [{duration: 1h, target: 1}], flow: [{sleep: 1s}]}\n",
        &server,
    );
    let limits = ScaleLimits { max_vus: Some(12), max_rate: Some(40.0) };
    let ran = run(&text, limits, async |hand| {
        hand.see(|progress| progress.phase == Phase::Running).await;
        let control = hand.control.clone();
        let scale = async |name: &'static str, to| control.scale(Some(name), to).await;
        let refused = async |name, to, expected: &str| {
            assert_eq!(scale(name, to).await, Err(expected.to_owned()), "{name} {to:?}");
        };
        refused(
            "nobody",
            ScaleTo::Vus(1),
            "there is no scenario `nobody`: expected one of users, rate, ramp",
        )
        .await;
        refused(
            "ramp",
            ScaleTo::Vus(1),
            "`ramp` cannot be scaled: only a constant-vus or constant-arrival-rate scenario can be",
        )
        .await;
        refused(
            "users",
            ScaleTo::Rate(1.0),
            "`users` cannot be scaled: it is a constant-vus: give a number of VUs, not a rate",
        )
        .await;
        refused(
            "users",
            ScaleTo::Vus(7),
            "`users` cannot be scaled: it would come to 13 VUs, of all scenarios together, and at most 12 are allowed",
        )
        .await;
        refused(
            "rate",
            ScaleTo::Rate(2_401.0),
            "`rate` cannot be scaled: it would come to 40.02 iterations/s, of all scenarios together, and at most 40 are allowed",
        )
        .await;
        assert_eq!(
            control.scale(None, ScaleTo::Vus(1)).await,
            Err("the plan has several scenarios: say which one of users, rate, ramp".to_owned())
        );
        scale("users", ScaleTo::Vus(6)).await.unwrap();
        let seen = hand.see(|progress| progress.scenarios[0].active_vus == 6).await;
        assert_eq!((seen.scenarios[0].allocated_vus, seen.scenarios[0].max_vus), (6, 6));
        assert_eq!(seen.scenarios[0].executor, "6 looping VUs for 1h (gracefulStop: 30s)");
        scale("users", ScaleTo::Vus(1)).await.unwrap();
        hand.see(|progress| progress.scenarios[0].active_vus == 1).await;
        scale("rate", ScaleTo::Rate(2_400.0)).await.unwrap();
        // At one a second they would take a minute; a tick is a second.
        let seen = hand.see(|progress| progress.scenarios[1].completed >= 60).await;
        assert!(seen.elapsed < Duration::from_secs(50), "{:?}", seen.elapsed);
        hand.stop.take().unwrap().send(()).unwrap();
    });
    // Whether iterations were dropped is the machine's affair here; virtual time counts them exactly.
    assert_eq!(ran.finished.verdict, Verdict::Stopped);
}

#[test]
fn without_load_there_is_nothing_to_control() {
    let late = Arc::new(AtomicBool::new(false));
    let ready = Arc::clone(&late);
    let server = HttpServer::start(move |_| {
        let status = if ready.load(SeqCst) { 200 } else { 503 };
        async move { reply(status, "") }
    });
    let text =
        plan("  s: {executor: constant-vus, vus: 1, duration: 1s, flow: [GET, {sleep: 100ms}]}\n", &server)
            + &format!("preflight: [{{http: {{url: '{}/', wait_for: 60s}}}}]\n", server.url());
    let ran = run(&text, ScaleLimits::default(), async |hand| {
        hand.see(|progress| progress.waiting.is_some()).await;
        let early = Err("the run sends no load yet: try again when it is running".to_owned());
        assert_eq!(hand.control.pause().await, early);
        assert_eq!(hand.control.scale(None, ScaleTo::Vus(2)).await, early);
        late.store(true, SeqCst);
        hand.see(|progress| progress.phase == Phase::Running).await;
        hand.control.scale(None, ScaleTo::Vus(1)).await.unwrap();
        assert!(
            hand.control.scale(None, ScaleTo::Vus(2)).await.unwrap_err().contains("at most 1 are allowed")
        );
    });
    assert_eq!(ran.finished.verdict, Verdict::Passed, "{:?}", loadgate::report::verdict_lines(&ran.finished));
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    assert_eq!(runtime.block_on(ran.control.resume()), Err("the load of the run is over".to_owned()));
}

#[test]
fn a_pause_makes_no_warmup_shorter() {
    let server = fast_server();
    let text = plan(
        "  s: {executor: constant-arrival-rate, rate: 20, duration: 4s, pre_allocated_vus: 20, flow: [GET]}\n",
        &server,
    ) + "warmup: 3s\n";
    let ran = run(&text, ScaleLimits::default(), async |hand| {
        hand.see(|progress| progress.scenarios.first().is_some_and(|each| each.completed > 0)).await;
        hand.control.pause().await.unwrap();
        hand.see(|progress| progress.paused.as_secs() >= 3).await;
        hand.control.resume().await.unwrap();
    });
    let warmup = ran.finished.warmup.unwrap();
    assert_eq!(warmup.duration, Duration::from_secs(3));
    // 60 are due in it; by the clock on the wall it would have been over in the pause, after some 20.
    assert!(warmup.iterations >= 50, "{}", warmup.iterations);
    assert_eq!(ran.last("k6_iterations_total") + ran.last("k6_dropped_iterations_total"), 81);
}

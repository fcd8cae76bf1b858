//! A server that goes away in the middle of a run, and comes back.

use std::sync::mpsc;
use std::thread;

use super::{errors, failed};
use crate::stage::{RabbitMq, Samples, options};
use loadgate::config::{self, LoadOptions};
use loadgate::family::Family;
use loadgate::plan::compile;
use loadgate::report::Progress;
use loadgate::run::{Listener, execute};

/// Tells another thread what each tick showed.
struct Teller {
    seen: Vec<Samples>,
    tell: mpsc::Sender<u64>,
}

impl Listener for Teller {
    fn progress(&mut self, _progress: &Progress) {}

    fn families(&mut self, families: Vec<Family>) {
        let samples = Samples::of(&families);
        // Nobody listens any more once the server is back.
        let _ = self.tell.send(samples.count("k6_amqp_acks_total", &[]));
        self.seen.push(samples);
    }
}

#[test]
fn it_is_connected_to_again_what_was_lost_is_counted_and_the_run_goes_on() {
    let Some(mut server) = RabbitMq::start() else { return };
    server.queue("events");
    let text = format!(
        "name: loss\nscenarios:\n  \
         s: {{executor: constant-vus, vus: 4, duration: 100s, graceful_stop: 20s, flow: [{{sleep: 20ms}}, {{amqp: {{url: '{}', publish: {{routing_key: events, ack_timeout: 1s, max_in_flight: 20, properties: {{delivery_mode: 2}}}}}}}}]}}\n\
         thresholds: {{amqp_failed: ['rate<0.001']}}\nlimits: {{max_dropped: 100%}}\n",
        server.url()
    );
    let loaded = config::load("plan.yml", &text, &LoadOptions::default()).unwrap();
    let plan = std::sync::Arc::new(compile(&loaded, std::path::Path::new("")).unwrap());
    let (tell, told) = mpsc::channel();
    let (stop, stopped) = tokio::sync::oneshot::channel();
    let failure = thread::spawn(move || {
        let acknowledged = || told.recv().unwrap();
        while acknowledged() < 100 {}
        server.kill();
        server.start_again();
        // The last tick before it was gone may still be on its way.
        let before = told.try_iter().last().unwrap_or_else(acknowledged);
        while acknowledged() < before + 100 {}
        stop.send("seen enough".to_owned()).unwrap();
        server
    });
    let mut teller = Teller { seen: Vec::new(), tell };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let stop = async { stopped.await.unwrap() };
    let finished = runtime.block_on(execute(plan, options(), &mut teller, stop)).unwrap();
    let last = teller.seen.pop().unwrap();
    let ran = crate::stage::Ran { finished, last, earlier: teller.seen };
    let server = failure.join().unwrap();

    let errors = errors(&ran);
    let of = |code: &str| errors.iter().find(|(known, _)| known == code).map_or(0, |(_, count)| *count);
    assert!(of("1893") >= 1, "connections were lost: {errors:?}");
    assert!(of("1212") >= 1, "nobody was there: {errors:?}");
    assert!(ran.count("k6_amqp_reconnects_total", &[]) >= 1, "{errors:?}");
    let (failures, well) = failed(&ran);
    assert!(failures > 0 && well >= 200, "{failures} {well} {errors:?}");
    assert_eq!(ran.count("k6_amqp_acks_total", &[]), well);
    // What was confirmed is on disk; what failed may be there, too.
    assert!(server.depth("events") >= well);
    assert!(ran.verdict().contains("amqp_failed"), "{}", ran.verdict());
}

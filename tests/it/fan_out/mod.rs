//! Ledgers of events that several WebSockets are passed: what each of them has missed, twice or out of order.

mod server;

use self::server::{FanOut, Fate};
use crate::stage::{Ran, run};

/// Whoever listens is there before the first event, and until after the last.
const LISTEN: &str = "{send: {text: listen}}, {receive: {until: json.type == 'subscribed', timeout: 2m, ledger: events}}, \
    {send: {text: ready}}, {listen: {for: 5m, until: json.type == 'end', ledger: events}}, \
    {listen: {for: 1ms, wait: 0s, ledger: events}}";

fn once(vus: usize) -> String {
    format!("executor: per-vu-iterations, vus: {vus}, iterations: 1, max_duration: 5m, graceful_stop: 5m")
}

fn listeners(server: &FanOut, vus: usize, flow: &str) -> String {
    let url = server.websockets.ws();
    format!("in: {{{}, flow: [websocket: {{url: '{url}/', flow: [{flow}]}}]}}", once(vus))
}

fn plan(scenarios: &[String]) -> String {
    format!(
        "name: fan-out\nscenarios:\n  {}\nthresholds: {{events_lost: ['count==0']}}\n",
        scenarios.join("\n  ")
    )
}

/// Over WebSockets, when `ready` listeners are there.
fn published(server: &FanOut, vus: usize, times: usize, listeners: usize) -> String {
    let (url, once) = (server.websockets.ws(), once(vus));
    format!(
        "out: {{{once}, flow: [websocket: {{url: '{url}/', flow: [{{send: {{text: publish {listeners}}}}}, \
         {{receive: {{until: json.type == 'go', timeout: 2m}}}}, \
         {{repeat: {{times: {times}, flow: [{{send: {{json: {{n: '{{{{ vu }}}}'}}, ledger: events}}}}]}}}}]}}]}}"
    )
}

fn counted(ran: &Ran) -> [u64; 5] {
    ["published", "received", "lost", "duplicated", "reordered"]
        .map(|what| ran.count(&format!("k6_events_{what}_total"), &[]))
}

#[test]
fn exactly_seven_of_a_hundred_thousand() {
    const DROPPED: [usize; 7] = [0, 1, 777, 50_000, 65_535, 65_536, 99_999];
    let fate = |_, event| if DROPPED.contains(&event) { Fate::Dropped } else { Fate::Passed };
    let server = FanOut::start(100_000, fate, |_| 200);
    let ran = run(&plan(&[published(&server, 4, 25_000, 1), listeners(&server, 1, LISTEN)]));
    assert_eq!(counted(&ran), [100_000, 99_993, 7, 0, 0], "{}", ran.notes());
    assert_eq!(ran.count("k6_ws_msgs_discarded_total", &[]), 0);
    assert_eq!(ran.count("k6_event_latency_seconds_count", &[]), 99_993);
    assert!(ran.verdict().contains("events_lost"), "{}", ran.verdict());
}

#[test]
fn what_one_of_two_misses_is_lost_once() {
    let fate = |listener, event: usize| match (listener, event % 300) {
        (0, 17) => Fate::Dropped,
        _ => Fate::Passed,
    };
    let server = FanOut::start(2_100, fate, |_| 200);
    let ran = run(&plan(&[published(&server, 3, 700, 2), listeners(&server, 2, LISTEN)]));
    assert_eq!(counted(&ran), [2_100, 4_193, 7, 0, 0], "{}", ran.notes());
}

#[test]
fn what_comes_twice_or_after_a_later_one_is_counted_for_that_listener() {
    let fate = |listener, event| match (listener, event) {
        (0, 5 | 6 | 90) => Fate::Twice,
        (1, 40 | 50) => Fate::Later,
        _ => Fate::Passed,
    };
    let server = FanOut::start(100, fate, |_| 200);
    let ran = run(&plan(&[published(&server, 1, 100, 3), listeners(&server, 3, LISTEN)]));
    assert_eq!(counted(&ran), [100, 300, 0, 3, 2], "{}", ran.notes());
}

#[test]
fn a_post_that_was_refused_was_not_published_and_what_came_all_the_same_was_received() {
    // Every tenth is refused, every seventh passed on and then answered with an error.
    let answer = |number: u64| match number {
        _ if number.is_multiple_of(10) => 503,
        _ if number.is_multiple_of(7) => 500,
        _ => 201,
    };
    let passed = (0..200).filter(|number| answer(*number) != 503).count() as u64;
    let accepted = (0..200).filter(|number| answer(*number) == 201).count() as u64;
    for body in [
        "json: {n: 1}",
        "cloudevent: {type: t, source: /s, data: {n: 1}}",
        "body: 'n=1 loadgateevent={{ loadgateevent }}'",
    ] {
        let server = FanOut::start(passed as usize, |_, _| Fate::Passed, answer);
        let url = server.http.url();
        let out = format!(
            "out: {{{}, flow: [{{http: {{url: '{url}/3', timeout: 2m}}}}, {{set: {{n: '-1'}}}}, {{repeat: {{times: 200, flow: [\
             {{set: {{n: n + 1}}}}, \
             {{http: {{url: '{url}/{{{{ n }}}}', method: POST, name: event, {body}, ledger: events}}}}]}}}}]}}",
            once(1)
        );
        let ran = run(&plan(&[out, listeners(&server, 3, LISTEN)]));
        assert_eq!(counted(&ran), [accepted, 3 * passed, 0, 0, 0], "{body}: {}", ran.notes());
        let labels = [("name", "event"), ("method", "POST"), ("ledger", "events")];
        assert_eq!(ran.count("k6_events_published_total", &labels), accepted);
        assert!(server.http.asked().iter().skip(1).all(|asked| asked.header("loadgate-event").is_some()));
    }
}

#[test]
fn who_comes_late_is_not_owed_what_came_before() {
    let server = FanOut::start(200, |_, _| Fate::Passed, |_| 200);
    let (url, once) = (server.websockets.ws(), once(1));
    // The second half when the second listener is ready, which begins when the first half is published.
    let publish = |listeners| {
        format!(
            "{{send: {{text: publish {listeners}}}}}, {{receive: {{until: json.type == 'go', timeout: 2m}}}}, \
             {{repeat: {{times: 100, flow: [{{send: {{json: {{n: 1}}, ledger: events}}}}]}}}}"
        )
    };
    let out = |name, more, listeners| {
        format!(
            "{name}: {{{once}{more}, flow: [websocket: {{url: '{url}/', flow: [{}]}}]}}",
            publish(listeners)
        )
    };
    let late = listeners(&server, 1, LISTEN).replacen("in: {", "late: {start_after: first, ", 1);
    let plan = plan(&[
        out("first", "", 1),
        out("second", ", start_after: first", 2),
        listeners(&server, 1, LISTEN),
        late,
    ]);
    let ran = run(&plan);
    assert_eq!(counted(&ran), [200, 300, 0, 0, 0], "{}", ran.notes());
}

#[test]
fn who_keeps_a_connection_open_is_owed_what_is_published_while_it_is_broken() {
    // The connection breaks instead of the 31st event; whoever comes back hears the last 40 of 100.
    let server = || {
        FanOut::start(
            100,
            |listener, event| if (listener, event) == (0, 30) { Fate::Broken } else { Fate::Passed },
            |_| 200,
        )
    };
    for (keep_open, lost) in [(true, 30), (false, 0)] {
        let server = server();
        let url = server.websockets.ws();
        let out = format!(
            "out: {{{}, flow: [websocket: {{url: '{url}/', flow: [{{send: {{text: publish 1}}}}, \
             {{receive: {{until: json.type == 'go', timeout: 2m}}}}, {{repeat: {{times: 60, flow: [{{send: {{json: {{n: 1}}, ledger: events}}}}]}}}}, \
             {{send: {{text: publish 2}}}}, {{receive: {{until: json.type == 'go', timeout: 2m}}}}, \
             {{repeat: {{times: 40, flow: [{{send: {{json: {{n: 1}}, ledger: events}}}}]}}}}]}}]}}",
            once(1)
        );
        let heard = listeners(&server, 1, LISTEN)
            .replace("iterations: 1", "iterations: 2")
            .replace("flow: [{send", &format!("keep_open: {keep_open}, flow: [{{send"));
        let ran = run(&plan(&[out, heard]));
        let [published, received, missed, ..] = counted(&ran);
        assert_eq!((published, received), (100, 70), "{}", ran.notes());
        // Without it, what was sent before the break was noticed is owed, and nothing after that.
        assert!(if keep_open { missed == lost } else { missed <= 30 }, "{missed}: {}", ran.notes());
    }
}

#[test]
fn a_user_waits_for_its_own_event() {
    let server =
        FanOut::start(50, |_, event| if event == 49 { Fate::Dropped } else { Fate::Passed }, |_| 200);
    let (http, url) = (server.http.url(), server.websockets.ws());
    let flow = format!(
        "{{send: {{text: listen}}}}, {{receive: {{until: json.type == 'subscribed', timeout: 2m}}}}, \
         {{repeat: {{times: 50, flow: [{{http: {{url: '{http}/', json: {{n: 1, at: {{deep: '{{{{ loadgateevent }}}}'}}}}, ledger: events}}}}, \
         {{receive: {{until: loadgateevent in body, ledger: events, timeout: 5s}}}}]}}}}"
    );
    let ran =
        run(&plan(&[format!("s: {{{}, flow: [websocket: {{url: '{url}/', flow: [{flow}]}}]}}", once(1))]));
    // The first is published before anything names the ledger; the last comes too late, which is never.
    assert_eq!(counted(&ran), [50, 48, 1, 0, 0], "{}", ran.notes());
}

#[test]
fn a_token_is_found_in_json_that_is_a_text_within_json() {
    let server = FanOut::start(20, |_, event| if event == 3 { Fate::Dropped } else { Fate::Passed }, |_| 200);
    let url = server.http.url();
    // What is published stands as a text in the field `payload`. The answer does not say that it was routed.
    let message = "rabbitmq: {exchange: e, routing_key: k, json: {n: 1}}";
    let out = format!(
        "out: {{{}, flow: [{{http: {{url: '{url}/1', timeout: 2m}}}}, \
         {{repeat: {{times: 20, flow: [{{http: {{url: '{url}', {message}, ledger: events}}}}]}}}}]}}",
        once(1)
    );
    let ran = run(&plan(&[out, listeners(&server, 1, LISTEN)]));
    let asked = server.http.asked();
    assert!(asked[1].body.contains(r#"\"loadgateevent\":"#), "{}", asked[1].body);
    assert_eq!(counted(&ran), [0, 19, 0, 0, 0], "{}", ran.notes());
}

//! Messages out: acknowledged, in large numbers; duplicates; refusals; requests; CloudEvents.

use async_nats::jetstream::stream::{Config, DiscardPolicy};

use super::{done, errors, failed, iterations, scenario};
use crate::stage::{Nats, run};

#[test]
fn every_message_is_acknowledged_and_stored() {
    let Some(server) = Nats::start() else { return };
    server.stream("CANONICAL_EVENTS", &["events.>"]);
    let publish = format!(
        "{{nats: {{url: '{}', publish: {{subject: 'events.{{{{ vu }}}}', stream: CANONICAL_EVENTS, json: {{n: '{{{{ iteration }}}}'}}}}}}}}",
        server.url()
    );
    let ran = run(&scenario("executor: shared-iterations, vus: 4, iterations: 1001", &publish));
    assert_eq!((errors(&ran), failed(&ran)), (Vec::new(), (0, 1001)));
    let counted = |name| ran.count(name, &[]);
    assert_eq!((counted("k6_nats_msgs_sent_total"), counted("k6_nats_acks_total")), (1001, 1001));
    assert_eq!(server.state("CANONICAL_EVENTS").messages, 1001);
    for trend in ["k6_nats_ack_duration_seconds_count", "k6_nats_response_time_seconds_count"] {
        assert_eq!(ran.last.sum(trend, &[]), Some(1001.0), "{trend}");
    }
    assert_eq!(ran.last.sum("k6_nats_connections", &[]), Some(0.0), "all are closed");
    assert_eq!(ran.last.sum("k6_nats_connecting_seconds_count", &[]), Some(4.0), "each VU has one");
    assert!(counted("k6_data_sent_total") > 1001 * 40, "{}", counted("k6_data_sent_total"));
}

#[test]
fn acknowledgements_of_the_last_iteration_are_waited_for() {
    let Some(server) = Nats::start() else { return };
    server.stream("S", &["s.>"]);
    let ran = done(&server, 1, "publish: {subject: s.x, stream: S, body: x}");
    assert_eq!((failed(&ran), ran.count("k6_nats_acks_total", &[])), ((0, 1), 1));
    let core = done(&server, 100, "publish: {subject: s.y, body: y}");
    assert_eq!((failed(&core), core.count("k6_nats_acks_total", &[])), ((0, 100), 0));
    assert_eq!(server.state("S").messages, 101, "what nobody acknowledges was sent all the same");
}

/// Somebody listens on the subject, so that the server refuses nothing, and acknowledges nothing.
#[test]
fn what_is_not_acknowledged_by_the_end_of_the_grace_has_failed() {
    let Some(server) = Nats::start() else { return };
    let url = server.url();
    let ran = run(&format!(
        "name: nats\nscenarios:\n  \
         deaf: {{executor: constant-vus, vus: 1, duration: 3s, flow: [nats: {{url: '{url}', subscribe: {{subject: s.x, for: 1s}}}}]}}\n  \
         s: {{executor: per-vu-iterations, vus: 1, iterations: 5, start_time: 1s, max_duration: 1s, graceful_stop: 500ms, \
         flow: [nats: {{url: '{url}', name: out, publish: {{subject: s.x, stream: S, ack_timeout: 60s}}}}]}}\n\
         thresholds: {{'nats_failed{{name:out}}': ['rate<0.5']}}\n"
    ));
    assert_eq!(errors(&ran), [("1845".to_owned(), 5)]);
    let failed = |condition| ran.count("k6_nats_failed_total", &[("condition", condition), ("name", "out")]);
    assert_eq!((failed("nonzero"), failed("zero"), ran.count("k6_nats_acks_total", &[])), (5, 0, 0));
    assert!(ran.verdict().contains("nats_failed{name:out}"), "{}", ran.verdict());
}

#[test]
fn a_message_id_that_the_stream_has_is_a_duplicate() {
    let Some(server) = Nats::start() else { return };
    server.stream("S", &["s.>"]);
    let ran = done(&server, 10, "publish: {subject: s.x, stream: S, id: 'half-{{ iteration // 2 }}'}");
    let counted = |name| ran.count(name, &[]);
    assert_eq!((counted("k6_nats_acks_total"), counted("k6_nats_duplicates_total")), (10, 5));
    assert_eq!((server.state("S").messages, failed(&ran)), (5, (0, 10)));
}

#[test]
fn refusals_have_a_class() {
    let Some(server) = Nats::start() else { return };
    server.stream("S", &["s.>"]);
    let (name, subjects) = ("FULL".to_owned(), vec!["full.>".to_owned()]);
    let discard = DiscardPolicy::New;
    server.stream_as(Config { name, subjects, max_messages: 3, discard, ..Config::default() });
    for (action, code, refused) in [
        ("publish: {subject: nowhere.x, stream: S}", "1846", 5),
        ("publish: {subject: s.x, stream: OTHER}", "1847", 5),
        ("publish: {subject: full.x, stream: FULL}", "1848", 2),
        ("request: {subject: nobody.there}", "1850", 5),
        ("publish: {subject: s.x, body: '{{ \"x\" * 2000000 }}'}", "1851", 5),
        ("publish: {subject: 's. x', stream: S}", "1852", 5),
        ("stream: NOT_THERE", "1846", 5),
    ] {
        let ran = done(&server, 5, action);
        assert_eq!(errors(&ran), [(code.to_owned(), refused)], "{action}");
        assert_eq!(failed(&ran), (refused, 5 - refused), "{action}");
    }
}

#[test]
fn a_step_that_looks_at_the_acknowledgement_waits_for_it() {
    let Some(server) = Nats::start() else { return };
    server.stream("S", &["s.>"]);
    let url = server.url();
    let ran = run(&iterations(
        3,
        &format!(
            "{{nats: {{url: '{url}', publish: {{subject: s.x, stream: S}}, checks: {{stored: json.stream == 'S'}}, capture: {{seq: json.seq}}}}}}, \
             {{check: {{in order: seq == iteration + 1}}}}, \
             {{nats: {{url: '{url}', stream: S, checks: {{all there: json.state.messages == seq, no limit: json.config.max_bytes == -1}}}}}}"
        ),
    ));
    for check in ["stored", "in order", "all there", "no limit"] {
        assert_eq!(ran.check(check), (3, 0), "{check}: {}", ran.notes());
    }
}

#[test]
fn a_request_waits_for_its_answer() {
    let Some(server) = Nats::start() else { return };
    let ran = done(
        &server,
        2,
        "request: {subject: '$JS.API.INFO'}, checks: {answered: json.limits.max_streams == -1}",
    );
    assert_eq!((ran.check("answered"), failed(&ran)), ((2, 0), (0, 2)));
    assert_eq!(ran.last.sum("k6_nats_request_duration_seconds_count", &[]), Some(2.0));
}

#[test]
fn a_request_that_is_not_answered_in_time_has_failed() {
    let Some(server) = Nats::start() else { return };
    let url = server.url();
    // Somebody listens and says nothing.
    let ran = run(&iterations(
        1,
        &format!(
            "{{nats: {{url: '{url}', subscribe: {{subject: silent, for: 1s}}}}}}, \
             {{nats: {{url: '{url}', request: {{subject: silent, timeout: 300ms}}}}}}"
        ),
    ));
    assert_eq!(errors(&ran), [("1050".to_owned(), 1)]);
}

#[test]
fn a_cloudevent_travels_in_headers_or_as_one_document() {
    let Some(server) = Nats::start() else { return };
    server.stream("S", &["s.>"]);
    let url = server.url();
    let event = |mode: &str| {
        format!(
            "{{nats: {{url: '{url}', publish: {{subject: s.{mode}, stream: S, cloudevent: {{mode: {mode}, type: block.created, source: /chain, id: 'a b', data: {{n: 1}}}}}}, checks: {{stored: json.seq > 0}}}}}}"
        )
    };
    let take = |mode: &str, checks: &str| {
        format!(
            "{{nats: {{url: '{url}', consume: {{stream: S, subject: s.{mode}, count: 1}}, checks: {{{checks}}}}}}}"
        )
    };
    let flow = [
        event("binary"),
        event("structured"),
        take(
            "binary",
            "type: headers.ce_type == 'block.created', id: headers.ce_id == 'a%20b', content: headers.ce_datacontenttype == 'application/json', data: json.n == 1",
        ),
        take("structured", "whole: json.type == 'block.created' and json.id == 'a b' and json.data.n == 1"),
    ];
    let ran = run(&iterations(1, &flow.join(", ")));
    for check in ["type", "id", "content", "data", "whole"] {
        assert_eq!(ran.check(check), (1, 0), "{check}: {}", ran.notes());
    }
}

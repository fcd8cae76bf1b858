//! Alerts to Alertmanagers: Debian's, and servers that answer as a test wants.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use loadgate::labels::Labels;
use loadgate::notify::{Address, Alert, Notifier, NotifyStats, Options};
use serde_json::Value;
use tokio::sync::{Notify, mpsc};

use crate::stage::{Alertmanager, Asked, HttpServer, check_with_promtool, reply};

const MINUTE_MS: i64 = 60_000;

fn now_ms() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

fn alert(name: &str, starts_at_ms: i64, ends_at_ms: i64) -> Alert {
    Alert {
        labels: Labels::new([("alertname", name), ("testid", "t1")]),
        annotations: BTreeMap::from([("summary".to_owned(), format!("{name} of \"t1\""))]),
        starts_at_ms,
        ends_at_ms,
        generator_url: "http://localhost:5665/graph?g0.expr=up".to_owned(),
    }
}

/// One that has just begun.
fn firing(name: &str) -> Alert {
    let now = now_ms();
    alert(name, now, now + 4 * MINUTE_MS)
}

fn notifier(urls: &[String], options: &Options) -> Notifier {
    Notifier::start(urls.iter().map(|url| url.parse::<Address>().unwrap()).collect(), options)
}

/// Tries again at once.
fn impatient() -> Options {
    let retry = Duration::from_millis(1);
    Options { retry_after: retry, retry_at_most: retry, ..Options::default() }
}

/// A server in an Alertmanager's place, and what it is asked.
fn server(
    answer: impl Fn(&Asked) -> u16 + Send + Sync + 'static,
) -> (HttpServer, mpsc::UnboundedReceiver<Asked>) {
    let (told, asked) = mpsc::unbounded_channel();
    let server = HttpServer::start(move |asked: Asked| {
        let status = answer(&asked);
        // The test may have seen enough.
        let _ = told.send(asked);
        async move { reply(status, "says the server") }
    });
    (server, asked)
}

fn names(asked: &Asked) -> Vec<String> {
    let alerts: Vec<Value> = serde_json::from_str(&asked.body).unwrap();
    alerts.iter().map(|alert| alert["labels"]["alertname"].as_str().unwrap().to_owned()).collect()
}

/// (sent, errors, dropped) of the first Alertmanager.
fn counts(stats: &NotifyStats) -> (u64, u64, u64) {
    let one = &stats.alertmanagers[0];
    (one.sent, one.errors, one.dropped)
}

#[tokio::test]
async fn two_alertmanagers_both_tell_of_the_breach_and_of_its_end() {
    let (Some(mut first), Some(mut second)) = (Alertmanager::start(), Alertmanager::start()) else { return };
    let urls = [first.url(), second.url()];
    let mut notifier = notifier(&urls, &Options::default());
    let breach = firing("ErrorRateHigh");
    let started = breach.starts_at_ms;
    notifier.send(now_ms(), vec![breach]);
    for alertmanager in [&mut first, &mut second] {
        let told = alertmanager.notification().await;
        let alert = &told["alerts"][0];
        assert_eq!((&told["status"], &alert["status"]), (&"firing".into(), &"firing".into()), "{told}");
        assert_eq!(alert["labels"], serde_json::json!({"alertname": "ErrorRateHigh", "testid": "t1"}));
        assert_eq!(alert["annotations"]["summary"], "ErrorRateHigh of \"t1\"");
        assert_eq!(alert["generatorURL"], "http://localhost:5665/graph?g0.expr=up");
        assert_eq!(alertmanager.active().len(), 1);
    }
    notifier.send(now_ms(), vec![alert("ErrorRateHigh", started, now_ms())]);
    for alertmanager in [&mut first, &mut second] {
        let told = alertmanager.notification().await;
        assert_eq!(
            (&told["status"], told["alerts"].as_array().map(Vec::len)),
            (&"resolved".into(), Some(1)),
            "{told}"
        );
        assert!(alertmanager.active().is_empty());
    }
    let stats = notifier.close(now_ms()).await;
    let sent: Vec<u64> = stats.alertmanagers.iter().map(|one| one.sent).collect();
    assert_eq!(sent, [2, 2], "nothing fired any more, so nothing was left to resolve");
}

#[tokio::test]
async fn nothing_is_active_when_the_notifier_is_closed() {
    let Some(mut alertmanager) = Alertmanager::start() else { return };
    let mut notifier = notifier(&[alertmanager.url()], &Options::default());
    let several: Vec<Alert> = (0..300).map(|at| firing(&format!("Alert{at}"))).collect();
    notifier.send(now_ms(), several);
    assert_eq!(alertmanager.notification().await["status"], "firing");
    // Fires when the end has come already.
    notifier.send(now_ms(), vec![firing("Late")]);
    let stats = notifier.close(now_ms()).await;
    assert_eq!(alertmanager.active(), Vec::<Value>::new());
    let one = &stats.alertmanagers[0];
    assert_eq!((one.errors, one.dropped, one.queued), (0, 0, 0), "{one:?}");
}

#[tokio::test]
async fn an_alertmanager_that_does_not_answer_delays_no_other() {
    let release = Arc::new(Notify::new());
    let released = Arc::clone(&release);
    let silent = HttpServer::start(move |_| {
        let released = Arc::clone(&released);
        async move {
            released.notified().await;
            reply(200, "")
        }
    });
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (healthy, mut asked) = server(|_| 200);
    let mut notifier =
        notifier(&[silent.url(), format!("http://{gone}"), healthy.url()], &Options::default());
    for name in ["First", "Second", "Third"] {
        notifier.send(now_ms(), vec![firing(name)]);
        assert_eq!(
            names(&asked.recv().await.unwrap()),
            [name],
            "while the first request still waits elsewhere"
        );
    }
    let stats = notifier.stats();
    let of = |at: usize| (stats.alertmanagers[at].sent, stats.alertmanagers[at].dropped);
    assert_eq!((of(0), of(1)), ((0, 0), (0, 0)));
    release.notify_one();
}

#[tokio::test]
async fn what_could_not_be_sent_is_sent_again() {
    let (server, mut asked) = server(|asked| if asked.number < 3 { 503 } else { 200 });
    let mut notifier = notifier(&[server.url()], &impatient());
    notifier.send(now_ms(), vec![firing("A"), firing("B")]);
    for _ in 0..4 {
        assert_eq!(names(&asked.recv().await.unwrap()), ["A", "B"]);
    }
    let closing = notifier.close(now_ms());
    assert_eq!(counts(&closing.await), (4, 6, 0), "two alerts sent and resolved, and three times not");
    assert_eq!(server.connections(), 4, "one is made anew after a failure, and kept else");
}

#[tokio::test]
async fn what_an_alertmanager_refuses_is_dropped() {
    let (server, mut asked) = server(|asked| if asked.number == 0 { 400 } else { 200 });
    let mut notifier = notifier(&[server.url()], &impatient());
    notifier.send(now_ms(), vec![alert("Bad", 0, 0)]);
    assert_eq!(names(&asked.recv().await.unwrap()), ["Bad"]);
    notifier.send(now_ms(), vec![alert("Good", 0, 0)]);
    assert_eq!(names(&asked.recv().await.unwrap()), ["Good"]);
    assert_eq!(counts(&notifier.close(now_ms()).await), (1, 1, 1));
}

#[tokio::test]
async fn requests_are_what_prometheus_sends() {
    let (server, mut asked) = server(|_| 200);
    let url = server.url().replace("http://", "http://me:s%20cret@") + "/monitoring/";
    let options =
        Options { external_labels: Labels::new([("region", "eu"), ("testid", "own")]), ..Options::default() };
    let mut notifier = notifier(&[url], &options);
    notifier.send(0, (0..600).map(|at| alert(&format!("A{at}"), 1_000, 2_500)).collect());
    let requests = [asked.recv().await.unwrap(), asked.recv().await.unwrap(), asked.recv().await.unwrap()];
    assert_eq!(requests.each_ref().map(|asked| names(asked).len()), [256, 256, 88]);
    let first = &requests[0];
    assert_eq!((first.method.as_str(), first.path.as_str()), ("POST", "/monitoring/api/v2/alerts"));
    assert_eq!(first.header("content-type"), Some("application/json"));
    assert_eq!(first.header("authorization"), Some("Basic bWU6cyBjcmV0"));
    let alerts: Vec<Value> = serde_json::from_str(&first.body).unwrap();
    let expected = serde_json::json!({
        "labels": {"alertname": "A0", "region": "eu", "testid": "t1"},
        "annotations": {"summary": "A0 of \"t1\""},
        "startsAt": "1970-01-01T00:00:01.000Z",
        "endsAt": "1970-01-01T00:00:02.500Z",
        "generatorURL": "http://localhost:5665/graph?g0.expr=up",
    });
    assert_eq!(alerts[0], expected);
}

#[tokio::test]
async fn the_end_does_not_wait_for_an_alertmanager_that_is_gone() {
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let options = Options { close_within: Duration::from_millis(50), ..impatient() };
    let mut notifier = notifier(&[format!("http://{gone}")], &options);
    notifier.send(now_ms(), vec![firing("A"), firing("B")]);
    let stats = notifier.close(now_ms()).await;
    let (sent, errors, dropped) = counts(&stats);
    assert_eq!(
        (sent, dropped, stats.alertmanagers[0].queued),
        (0, 2, 0),
        "what fired and what was resolved is one"
    );
    assert!(errors > 0);
}

#[tokio::test]
async fn counters_exist_at_zero_and_name_no_password() {
    let (server, mut asked) = server(|_| 200);
    let url = server.url().replace("http://", "http://me:secret@");
    let mut notifier = notifier(&[url], &Options::default());
    let body = |stats: &NotifyStats| {
        let mut body = String::new();
        let families = stats.families(&Labels::new([("testid", "t1")]));
        loadgate::exposition::encode(&families, loadgate::exposition::Format::Text, &mut body);
        body
    };
    let before = body(&notifier.stats());
    notifier.send(now_ms(), vec![alert("A", 0, 0)]);
    asked.recv().await.unwrap();
    let after = body(&notifier.close(now_ms()).await);
    let sample = |name: &str, value: u32| {
        format!(
            "loadgate_notify_{name}{{alertmanager=\"{}/api/v2/alerts\",testid=\"t1\"}} {value}\n",
            server.url()
        )
    };
    for name in ["sent_total", "errors_total", "dropped_total", "queue_length"] {
        assert!(before.contains(&sample(name, 0)), "{before}");
    }
    assert!(
        before.contains(&sample("queue_capacity", 10_000)) && after.contains(&sample("sent_total", 1)),
        "{after}"
    );
    assert!(!after.contains("secret"));
    check_with_promtool(after.as_bytes());
}

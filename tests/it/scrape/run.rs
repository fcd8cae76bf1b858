//! Many scrapes in a row: kept connections, ticks, and the end.

use super::*;

/// Answers every request on every connection, and counts connections.
async fn counting(connections: Arc<AtomicUsize>, requests_each: usize) -> SocketAddr {
    server(move |mut stream, _| {
        connections.fetch_add(1, Ordering::SeqCst);
        async move {
            for request in 1..=requests_each {
                if stream.write_all(&ok("", b"hz 100\n")).await.is_err() {
                    return;
                }
                if request < requests_each && read_request(&mut stream).await.is_none() {
                    return;
                }
            }
        }
    })
    .await
}

async fn scrapes(target: ScrapeTarget, count: usize) -> Vec<Scrape> {
    let (sender, mut receiver) = mpsc::channel(1);
    let stop = CancellationToken::new();
    let run = tokio::spawn(scrape::run(target, Clock::start(), sender, stop.clone()));
    let mut scrapes = Vec::new();
    while scrapes.len() < count {
        scrapes.push(receiver.recv().await.unwrap());
    }
    stop.cancel();
    run.await.unwrap();
    scrapes
}

#[tokio::test]
async fn a_run_keeps_its_connection_and_makes_it_anew_when_the_target_closes_it() {
    let connections = Arc::new(AtomicUsize::new(0));
    let address = counting(Arc::clone(&connections), usize::MAX).await;
    let kept = scrapes(target(address, PATIENT), 5).await;
    assert!(kept.iter().all(|scrape| scrape.result.is_ok()));
    assert_eq!(connections.load(Ordering::SeqCst), 1);
    let added: Vec<usize> = kept.iter().map(|scrape| scrape.series_added).collect();
    assert_eq!(added, [1, 0, 0, 0, 0]);

    let connections = Arc::new(AtomicUsize::new(0));
    let address = counting(Arc::clone(&connections), 2).await;
    let renewed = scrapes(target(address, PATIENT), 6).await;
    assert!(renewed.iter().all(|scrape| scrape.result.is_ok()), "{renewed:?}");
    assert!(connections.load(Ordering::SeqCst) >= 3);
}

#[tokio::test]
async fn a_run_outlives_a_target_that_fails_now_and_then() {
    let asked = Arc::new(AtomicUsize::new(0));
    let address = server(move |mut stream, _| {
        let count = asked.fetch_add(1, Ordering::SeqCst);
        async move {
            let answer = match count % 3 {
                0 => ok("connection: close\r\n", b"hz 100\n"),
                1 => ok("connection: close\r\n", b"hz{ 100\n"),
                _ => Vec::new(),
            };
            let _cut_short = stream.write_all(&answer).await;
        }
    })
    .await;
    let reasons: Vec<&str> = scrapes(target(address, PATIENT), 7)
        .await
        .iter()
        .map(|scrape| scrape.result.as_ref().map_or_else(|error| error.reason(), |_| "ok"))
        .collect();
    assert_eq!(reasons, ["ok", "malformed", "incomplete", "ok", "malformed", "incomplete", "ok"]);
}

#[tokio::test]
async fn ticks_that_pass_while_nobody_takes_the_scrape_are_counted_and_not_made_up_for() {
    let address = counting(Arc::new(AtomicUsize::new(0)), usize::MAX).await;
    let (sender, mut receiver) = mpsc::channel(1);
    let clock = Clock::start();
    let stop = CancellationToken::new();
    let target = target(address, PATIENT);
    let interval = target.interval;
    let full = sender.clone();
    let run = tokio::spawn(scrape::run(target, clock, sender, stop.clone()));
    while full.capacity() > 0 {
        tokio::time::sleep(interval).await;
    }
    // Now one is in the channel and one more can be made; the other ticks of these 25 intervals are lost.
    tokio::time::sleep(interval * 25).await;
    let mut taken = Vec::new();
    while taken.len() < 6 {
        taken.push(receiver.recv().await.unwrap());
    }
    stop.cancel();
    run.await.unwrap();
    let missed: u64 = taken.iter().map(|scrape| scrape.missed).sum();
    assert!(missed >= 20, "{missed}");
    // The last scrape's tick is one per scrape and one per missed tick after the first, and it was over by then.
    let ticks = interval.as_nanos() * (u128::from(missed) + 5);
    assert!(ticks <= u128::from(taken[5].at.as_nanos()), "{missed} missed by {:?}", taken[5].at);
}

#[tokio::test]
async fn a_run_ends_at_once_when_stopped_and_when_nobody_listens() {
    let silent = server(|stream, _| async move {
        let _open = stream;
        std::future::pending::<()>().await;
    })
    .await;
    let (sender, _receiver) = mpsc::channel(1);
    let stop = CancellationToken::new();
    let run = tokio::spawn(scrape::run(target(silent, PATIENT), Clock::start(), sender, stop.clone()));
    stop.cancel();
    run.await.unwrap();

    let address = counting(Arc::new(AtomicUsize::new(0)), usize::MAX).await;
    let (sender, receiver) = mpsc::channel(1);
    drop(receiver);
    scrape::run(target(address, PATIENT), Clock::start(), sender, CancellationToken::new()).await;
}

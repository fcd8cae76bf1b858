//! A target's `/metrics` to families, on time. It waits; whatever a target does costs one scrape, never the
//! run and never more memory than its limits say.

pub(crate) mod body;
mod companions;
pub(crate) mod connection;
mod error;
mod stats;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

pub use companions::families;
pub use error::ScrapeError;
pub use stats::ScrapeStats;

use crate::config::Redactor;
use crate::exposition::{Limits, Parsed, parse};
use crate::family::Family;
use crate::protocol::Guard;
use crate::time::{Clock, Elapsed};
use connection::Connection;

/// What to scrape, and how often.
#[derive(Debug, Clone)]
pub struct ScrapeTarget {
    /// The label `job`.
    pub job: Arc<str>,
    /// `http` or `https`. A user and password in it are sent as basic authentication.
    pub url: url::Url,
    /// Above zero.
    pub interval: Duration,
    /// For the whole scrape, from DNS to the last byte. At most the interval, or ticks are missed.
    pub timeout: Duration,
    pub limits: Limits,
    /// Needed for `https`.
    pub tls: Option<Arc<rustls::ClientConfig>>,
    /// Where it may lead; `None`: anywhere.
    pub guard: Option<Guard>,
    /// Of what no answer and no message may show of the URL.
    pub redactor: Arc<Redactor>,
}

impl ScrapeTarget {
    /// The label `instance`: host and port.
    pub fn instance(&self) -> String {
        instance(&self.url)
    }
}

/// Host and port.
fn instance(url: &url::Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port_or_known_default() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

/// One scrape, failed or not.
#[derive(Debug)]
pub struct Scrape {
    pub job: Arc<str>,
    pub instance: Arc<str>,
    /// When it began: the time of its samples.
    pub at: Elapsed,
    pub duration: Duration,
    /// The target's families as it wrote them; see [`families`] for what a store takes.
    pub result: Result<Vec<Family>, ScrapeError>,
    /// Lines with a value, duplicates included; 0 when the scrape failed.
    pub samples: usize,
    /// Of these, how many were dropped because their series had come before in the same body.
    pub duplicates: usize,
    /// Series that were not in the scrape before.
    pub series_added: usize,
    /// After decompression; 0 when no whole body came.
    pub body_bytes: usize,
    /// Ticks that passed unused since the scrape before, because it or its receiver took too long.
    pub missed: u64,
}

/// Scrapes `target` now and then at start + k · interval, until `stop` is cancelled or `out` is closed.
///
/// One connection is kept and made anew after an error. While `out` is full no scrape begins; ticks that pass
/// meanwhile are counted in the next scrape and not made up for.
pub async fn run(target: ScrapeTarget, clock: Clock, out: mpsc::Sender<Scrape>, stop: CancellationToken) {
    let ticks = async {
        let start = clock.now();
        let mut scraper = Scraper::new(&target);
        let (mut tick, mut missed) = (0, 0);
        loop {
            tokio::time::sleep_until(clock.instant(due(start, target.interval, tick))).await;
            let mut scrape = scraper.scrape(&clock).await;
            scrape.missed = missed;
            if out.send(scrape).await.is_err() {
                return;
            }
            let next = next_tick(tick, clock.now().since(start), target.interval);
            (missed, tick) = (next - tick - 1, next);
        }
    };
    tokio::select! {
        () = stop.cancelled() => {}
        () = ticks => {}
    }
}

/// One scrape over a connection of its own, for a last look at the target and for `doctor`.
pub async fn once(target: &ScrapeTarget, clock: &Clock) -> Scrape {
    Scraper::new(target).scrape(clock).await
}

fn due(start: Elapsed, interval: Duration, tick: u64) -> Elapsed {
    let interval_nanos = u64::try_from(interval.as_nanos()).unwrap_or(u64::MAX);
    start + Duration::from_nanos(interval_nanos.saturating_mul(tick))
}

/// The tick after `tick`: the next one, or, if that is over, the latest that has begun.
fn next_tick(tick: u64, elapsed: Duration, interval: Duration) -> u64 {
    let begun = elapsed.as_nanos().checked_div(interval.as_nanos()).unwrap_or_default();
    u64::try_from(begun).unwrap_or(u64::MAX).max(tick + 1)
}

struct Scraper<'a> {
    target: &'a ScrapeTarget,
    instance: Arc<str>,
    connection: Option<Connection>,
    /// Of the last scrape that succeeded.
    series: HashSet<u64>,
}

impl<'a> Scraper<'a> {
    fn new(target: &'a ScrapeTarget) -> Self {
        let instance = target.instance().into();
        Scraper { target, instance, connection: None, series: HashSet::new() }
    }

    async fn scrape(&mut self, clock: &Clock) -> Scrape {
        let at = clock.now();
        let timeout = self.target.timeout;
        // Taken, so that a scrape that is given up takes its connection along.
        let kept = self.connection.take();
        let outcome = match tokio::time::timeout(timeout, connection::get(self.target, kept)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(ScrapeError::Timeout { after: timeout }),
        };
        let mut body_bytes = 0;
        let parsed = outcome.and_then(|response| {
            self.connection = response.connection;
            body_bytes = response.body.len();
            parse(&response.body, response.format, &self.target.limits).map_err(ScrapeError::from)
        });
        let (result, samples, duplicates) = match parsed {
            Ok(Parsed { families, samples, duplicates }) => (Ok(families), samples, duplicates),
            Err(error) => (Err(error), 0, 0),
        };
        let series = result.as_deref().map(companions::series_hashes).unwrap_or_default();
        let series_added = series.difference(&self.series).count();
        self.series = series;
        Scrape {
            job: Arc::clone(&self.target.job),
            instance: Arc::clone(&self.instance),
            at,
            duration: clock.now().since(at),
            result,
            samples,
            duplicates,
            series_added,
            body_bytes,
            missed: 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_stay_aligned_and_are_never_made_up_for() {
        let second = Duration::from_secs(1);
        let next = |tick, elapsed_millis| next_tick(tick, Duration::from_millis(elapsed_millis), second);
        assert_eq!(next(0, 0), 1);
        assert_eq!(next(0, 300), 1);
        assert_eq!(next(0, 1000), 1);
        assert_eq!(next(0, 1400), 1, "a tick that has just begun is used, late");
        assert_eq!(next(0, 2000), 2);
        assert_eq!(next(3, 9999), 9);
        assert_eq!(next(3, 0), 4, "never the same tick twice");
        assert_eq!(next_tick(3, second, Duration::ZERO), 4);
    }

    #[test]
    fn a_tick_is_due_at_start_plus_k_intervals() {
        let start = Elapsed::from_nanos(5);
        assert_eq!(due(start, Duration::from_nanos(10), 3), Elapsed::from_nanos(35));
        assert_eq!(due(start, Duration::MAX, u64::MAX), Elapsed::MAX);
    }

    #[test]
    fn an_instance_is_host_and_port() {
        let instance = |url: &str| {
            let url = url::Url::parse(url).unwrap();
            let limits = Limits::default();
            let timeout = Duration::from_secs(1);
            ScrapeTarget {
                job: "j".into(),
                url,
                interval: timeout,
                timeout,
                limits,
                tls: None,
                guard: None,
                redactor: Arc::default(),
            }
            .instance()
        };
        assert_eq!(instance("http://localhost:4000/metrics"), "localhost:4000");
        assert_eq!(instance("https://example.com/metrics"), "example.com:443");
        assert_eq!(instance("http://user:secret@[::1]/metrics"), "[::1]:80");
    }
}

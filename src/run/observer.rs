//! What is seen of the targets: scrapes as they come in, and the probes over them.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::exposition::Limits;
use crate::family::Family;
use crate::plan::{self, Plan};
use crate::rules::ProbeSamples;
use crate::scrape::{self, Scrape, ScrapeStats, ScrapeTarget};
use crate::time::{Clock, Elapsed};
use crate::verdict::ScrapeHealth;

/// Scrapes that wait for this thread; a scraper that finds no room misses its tick, which is counted.
const WAITING_SCRAPES: usize = 16;

pub(super) struct Observer {
    targets: Vec<ScrapeTarget>,
    probes: Vec<plan::Probe>,
    samples: Vec<ProbeSamples>,
    next_probe: Vec<Elapsed>,
    /// What each target showed last; nothing after a scrape that failed, as its series are stale then.
    latest: HashMap<Arc<str>, Vec<Family>>,
    health: HashMap<Arc<str>, ScrapeHealth>,
    pub(super) stats: ScrapeStats,
    incoming: Option<mpsc::Receiver<Scrape>>,
    stop: CancellationToken,
}

impl Observer {
    pub(super) fn new(plan: &Plan) -> Self {
        let targets: Vec<ScrapeTarget> = plan
            .scrapes
            .iter()
            .map(|scrape| ScrapeTarget {
                job: Arc::clone(&scrape.job),
                url: scrape.url.clone(),
                interval: scrape.interval,
                timeout: scrape.timeout,
                limits: Limits::default(),
                tls: Some(Arc::clone(&plan.settings.tls.http1)),
            })
            .collect();
        let health = |target: &ScrapeTarget| {
            (Arc::clone(&target.job), ScrapeHealth { job: target.job.to_string(), ..ScrapeHealth::default() })
        };
        Observer {
            stats: ScrapeStats::new(targets.iter().map(|target| Arc::clone(&target.job))),
            health: targets.iter().map(health).collect(),
            targets,
            probes: plan.probes.clone(),
            samples: vec![ProbeSamples::default(); plan.probes.len()],
            next_probe: plan.probes.iter().map(|probe| probe.interval.into()).collect(),
            latest: HashMap::new(),
            incoming: None,
            stop: CancellationToken::new(),
        }
    }

    /// Starts a scraper per target on the current runtime.
    pub(super) fn start(&mut self, clock: Clock) {
        let (out, incoming) = mpsc::channel(WAITING_SCRAPES);
        for target in &self.targets {
            tokio::spawn(scrape::run(target.clone(), clock, out.clone(), self.stop.clone()));
        }
        self.incoming = Some(incoming);
    }

    /// Waits for the next scrape or probe and takes it in.
    pub(super) async fn observe(&mut self, clock: &Clock) {
        let probe = self.next_probe.iter().min().copied();
        let sleep = async {
            match probe {
                Some(due) => tokio::time::sleep_until(clock.instant(due)).await,
                None => std::future::pending().await,
            }
        };
        let scrape = async {
            match &mut self.incoming {
                Some(incoming) => incoming.recv().await,
                None => None,
            }
        };
        tokio::select! {
            biased;
            Some(scrape) = scrape => self.take(scrape),
            () = sleep => self.sample_due(clock.now()),
            else => std::future::pending().await,
        }
    }

    /// Ends the scrapers, and looks at each target and probe once more: the state after the load.
    pub(super) async fn last_look(&mut self, clock: &Clock) {
        self.stop.cancel();
        while let Some(scrape) = match &mut self.incoming {
            Some(incoming) => incoming.recv().await,
            None => None,
        } {
            self.take(scrape);
        }
        let looks = self.targets.iter().map(|target| scrape::once(target, clock));
        for scrape in futures_util::future::join_all(looks).await {
            self.take(scrape);
        }
        for at in 0..self.probes.len() {
            self.sample(at);
        }
    }

    /// What was seen so far does not count: a target that still comes up misses scrapes.
    pub(super) fn begin_judging(&mut self) {
        self.samples.fill(ProbeSamples::default());
        for (job, health) in &mut self.health {
            *health = ScrapeHealth { job: job.to_string(), ..ScrapeHealth::default() };
        }
    }

    pub(super) fn samples(&self) -> &[ProbeSamples] {
        &self.samples
    }

    /// By name, in the plan's order.
    pub(super) fn probes(&self) -> impl Iterator<Item = (&str, &ProbeSamples)> {
        self.probes.iter().map(|probe| probe.name.as_str()).zip(&self.samples)
    }

    /// In the plan's order.
    pub(super) fn health(&self) -> Vec<ScrapeHealth> {
        self.targets.iter().filter_map(|target| self.health.get(&target.job).cloned()).collect()
    }

    fn take(&mut self, scrape: Scrape) {
        self.stats.record(&scrape);
        if let Some(health) = self.health.get_mut(&scrape.job) {
            health.due += 1 + scrape.missed;
            health.missed += scrape.missed;
            if let Err(error) = &scrape.result {
                health.missed += 1;
                health.last_error = error.to_string();
            } else if scrape.missed > 0 && health.last_error.is_empty() {
                health.last_error = "the scrape before took too long".to_owned();
            }
        }
        self.latest.insert(Arc::clone(&scrape.job), scrape::families(&scrape));
    }

    fn sample_due(&mut self, now: Elapsed) {
        for at in 0..self.probes.len() {
            if self.next_probe[at] <= now {
                self.sample(at);
                let interval = self.probes[at].interval.max(Duration::from_millis(1));
                // Skips what was missed: a late burst of equal samples would weigh too much in the average.
                while self.next_probe[at] <= now {
                    self.next_probe[at] = self.next_probe[at] + interval;
                }
            }
        }
    }

    /// Every series that the selector finds is a sample: a minimum is the worst instance's.
    fn sample(&mut self, at: usize) {
        let mut found = false;
        for families in self.latest.values() {
            for selected in self.probes[at].selector.select(families) {
                found = true;
                self.samples[at].record(selected.value);
            }
        }
        if !found {
            self.samples[at].missed += 1;
        }
    }
}

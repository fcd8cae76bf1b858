//! What is seen of the targets: scrapes as they come in, and the probes over them.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::exposition::Limits;
use crate::plan::{self, Plan};
use crate::promql::{self, Value};
use crate::rules::ProbeSamples;
use crate::scrape::{self, Scrape, ScrapeStats, ScrapeTarget};
use crate::time::{Clock, Elapsed};
use crate::tsdb::{Origin, Store};
use crate::verdict::ScrapeHealth;

/// Scrapes that wait for this thread; a scraper that finds no room misses its tick, which is counted.
const WAITING_SCRAPES: usize = 16;
/// From the look before the load to the first scrape of the run: closer, a loop would seem to stand still between them,
/// and rates over the two would be of next to no time.
const BETWEEN_LOOKS: Duration = Duration::from_millis(250);

pub(super) struct Observer {
    targets: Vec<ScrapeTarget>,
    probes: Vec<plan::Probe>,
    samples: Vec<ProbeSamples>,
    next_probe: Vec<Elapsed>,
    store: Arc<Store>,
    /// Since they were taken; without what they brought.
    fresh: Vec<Scrape>,
    health: HashMap<Arc<str>, ScrapeHealth>,
    pub(super) stats: ScrapeStats,
    incoming: Option<mpsc::Receiver<Scrape>>,
    stop: CancellationToken,
}

/// What the plan has scraped.
pub fn scrape_targets(plan: &Plan) -> Vec<ScrapeTarget> {
    let target = |scrape: &plan::Scrape| ScrapeTarget {
        job: Arc::clone(&scrape.job),
        url: scrape.url.clone(),
        interval: scrape.interval,
        timeout: scrape.timeout,
        limits: Limits::default(),
        tls: Some(Arc::clone(&plan.settings.tls.http1)),
        guard: Some(plan.settings.guard.clone()),
        redactor: Arc::clone(&plan.redactor),
    };
    plan.scrapes.iter().map(target).collect()
}

impl Observer {
    pub(super) fn new(plan: &Plan, store: Arc<Store>) -> Self {
        let targets = scrape_targets(plan);
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
            store,
            fresh: Vec::new(),
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
            Some(scrape) = scrape => self.take(scrape, clock),
            () = sleep => self.sample_due(clock),
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
            self.take(scrape, clock);
        }
        let looks = self.targets.iter().map(|target| scrape::once(target, clock));
        for scrape in futures_util::future::join_all(looks).await {
            self.take(scrape, clock);
        }
        for at in 0..self.probes.len() {
            self.sample(at, clock);
        }
    }

    /// Looks at each target before load is sent: what rules find then is not the load's doing.
    pub(super) async fn first_look(&mut self) {
        let clock = Clock::start();
        let looks = self.targets.iter().map(|target| scrape::once(target, &clock));
        for scrape in futures_util::future::join_all(looks).await {
            self.keep(&scrape, &clock);
        }
        if !self.targets.is_empty() {
            tokio::time::sleep(BETWEEN_LOOKS).await;
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

    fn take(&mut self, scrape: Scrape, clock: &Clock) {
        self.stats.record(&scrape);
        if let Some(health) = self.health.get_mut(&scrape.job) {
            health.due += 1 + scrape.missed;
            health.missed += scrape.missed;
            if let Err(error) = &scrape.result {
                health.missed += 1;
                let target = self.targets.iter().find(|target| target.job == scrape.job);
                let told = error.to_string();
                health.last_error = target.map(|target| target.redactor.redact(&told)).unwrap_or(told);
            } else if scrape.missed > 0 && health.last_error.is_empty() {
                health.last_error = "the scrape before took too long".to_owned();
            }
        }
        self.keep(&scrape, clock);
        self.fresh.push(Scrape { result: scrape.result.map(|_| Vec::new()), ..scrape });
    }

    /// Of what the targets showed, in the store.
    pub(super) fn origins(&self) -> Vec<Origin> {
        self.targets.iter().map(|target| origin(&target.job, &target.instance())).collect()
    }

    fn keep(&self, scrape: &Scrape, clock: &Clock) {
        let origin = origin(&scrape.job, &scrape.instance);
        self.store.scrape(&origin, clock.unix_ms(scrape.at), &scrape::families(scrape));
    }

    /// The scrapes since this was called last, without their families.
    pub(super) fn fresh(&mut self) -> Vec<Scrape> {
        std::mem::take(&mut self.fresh)
    }

    fn sample_due(&mut self, clock: &Clock) {
        let now = clock.now();
        for at in 0..self.probes.len() {
            if self.next_probe[at] <= now {
                self.sample(at, clock);
                let interval = self.probes[at].interval.max(Duration::from_millis(1));
                // Skips what was missed: a late burst of equal samples would weigh too much in the average.
                while self.next_probe[at] <= now {
                    self.next_probe[at] = self.next_probe[at] + interval;
                }
            }
        }
    }

    /// Every series that the query gives is a sample: a minimum is the worst instance's.
    fn sample(&mut self, at: usize, clock: &Clock) {
        let now_ms = clock.unix_ms(clock.now());
        let samples = &mut self.samples[at];
        let mut found = false;
        let mut record = |value: f64| {
            found = true;
            samples.record(value);
        };
        match self.probes[at].query.instant(&*self.store, now_ms, &promql::Options::default()) {
            Ok(answer) => match answer.value {
                Value::Vector(vector) => vector.iter().for_each(|sample| record(sample.point.value)),
                Value::Scalar(point) => record(point.value),
                Value::String { .. } | Value::Matrix(_) => {}
            },
            Err(error) => tracing::debug!(probe = self.probes[at].name, "failed to sample: {error}"),
        }
        if !found {
            samples.missed += 1;
        }
    }
}

fn origin(job: &str, instance: &str) -> Origin {
    Origin(format!("{job}/{instance}"))
}

//! Pages of a real run: what loadgate and its target showed at the end of ten seconds, cut to 1,000 series.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use loadgate::exposition::{Format, Limits, encode, parse};
use loadgate::family::Family;
use serde::{Deserialize, Serialize};

use crate::bench::Bench;
use crate::http;
use crate::machine::{Place, free_address};
use crate::moving::Moving;
use crate::process::{self, Daemon};
use crate::{Failure, Result};

/// At most, and nearly.
pub(crate) const SERIES: usize = 1_000;

/// By job, as text 0.0.4.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Pages {
    jobs: Vec<(String, String)>,
    secs: f64,
}

impl Pages {
    pub(crate) fn read(path: &Path) -> Result<Self> {
        Ok(serde_json::from_str(&std::fs::read_to_string(path)?)?)
    }

    pub(crate) fn write(&self, path: &Path) -> Result<()> {
        Ok(std::fs::write(path, serde_json::to_string(self)?)?)
    }

    pub(crate) fn moving(self) -> Vec<(String, Moving)> {
        let secs = self.secs;
        let moving = |(job, text): (String, String)| {
            let families = families(text.as_bytes()).unwrap_or_default();
            (job, Moving::new(families, secs))
        };
        self.jobs.into_iter().map(moving).collect()
    }

    pub(crate) fn jobs(&self) -> impl Iterator<Item = &str> {
        self.jobs.iter().map(|(job, _)| job.as_str())
    }

    /// Runs loadgate against the demo target, with a chat, requests of several names, and the tags that shipped rules look
    /// for: as if all their plans were one.
    pub(crate) fn record(bench: &Bench) -> Result<Self> {
        let secs = bench.secs(10);
        let (target, listen) = (free_address()?, free_address()?);
        let mut command = bench.loadgate(Place::Server);
        command.args(["target", "--listen", &target.to_string()]);
        let _target = Daemon::start(command)?;
        http::wait_for(target, "/health")?;
        let folder = tempfile::tempdir_in(bench.folder())?;
        let plan = folder.path().join("plan.yml");
        std::fs::write(&plan, plan_of(&target.to_string(), secs)?)?;
        let mut command = bench.loadgate(Place::Client);
        command.arg("run").arg(plan).args(["--quiet", "--testid", "bench", "--linger", "60s", "--listen"]);
        command.arg(listen.to_string());
        let _running = process::Client::start(command, folder.path())?;
        http::wait_for(listen, "/-/healthy")?;
        std::thread::sleep(Duration::from_secs(secs + 1));
        bench.interrupt.check()?;
        let page = |address| families(&http::get(address, "/metrics", "")?.body);
        let mut jobs = [("loadgate", page(listen)?, listen), ("backend", page(target)?, target)];
        for (job, families, address) in &mut jobs {
            for series in families.iter_mut().flat_map(|family| &mut family.series) {
                series.labels = series.labels.with("job", job).with("instance", &address.to_string());
            }
        }
        let room = SERIES - count(&jobs[1].1);
        cut(&mut jobs[0].1, room);
        let text = |families: &[Family]| {
            let mut text = String::new();
            encode(families, Format::Text, &mut text);
            text
        };
        let jobs = jobs.iter().map(|(job, families, _)| ((*job).to_owned(), text(families))).collect();
        Ok(Self { jobs, secs: secs as f64 })
    }
}

fn families(body: &[u8]) -> Result<Vec<Family>> {
    let parsed = parse(body, Format::Text, &Limits::default());
    Ok(parsed.map_err(|error| Failure::from(error.to_string()))?.families)
}

pub(crate) fn count(families: &[Family]) -> usize {
    let mut count = 0;
    families.iter().for_each(|family| family.each_sample(|_, _, _| count += 1));
    count
}

/// Takes away names of requests, the last one metric by metric, until no more than so many series are left.
fn cut(families: &mut [Family], most: usize) {
    let names: BTreeSet<String> = families
        .iter()
        .flat_map(|family| &family.series)
        .filter_map(|series| series.labels.value("name").map(str::to_owned))
        .collect();
    for name in names.iter().rev() {
        for at in 0..families.len() {
            if count(families) <= most {
                return;
            }
            families[at].series.retain(|series| series.labels.value("name") != Some(name));
        }
    }
}

fn plan_of(target: &str, secs: u64) -> Result<String> {
    let mut plan = format!(
        r#"name: bench
tags: {{goal: 10k-connections}}
scrape:
  - job: backend
    url: http://{target}/metrics
scenarios:
  chat:
    executor: constant-vus
    vus: 5
    duration: {secs}s
    tags: {{suite: pulse}}
    flow:
      - websocket:
          url: ws://{target}/api/chat
          flow:
            - repeat:
                times: {secs}
                flow:
                  - send:
                      json: {{type: message, content: hello}}
                  - receive:
                      until: json.type == "done"
                      timeout: 5s
                  - sleep: 500ms
  events:
    executor: constant-arrival-rate
    rate: 20
    duration: {secs}s
    pre_allocated_vus: 5
    max_vus: 20
    tags: {{suite: qa-002, goal: 10k-events}}
    flow:
"#
    );
    for at in 0..8 {
        let name = ["publish", "build event"].get(at).map_or(format!("page-{at}"), |name| (*name).to_owned());
        let path = if at == 7 { "nothing-here" } else { "health" };
        write!(
            plan,
            "      - http:\n          name: {name}\n          url: http://{target}/{path}\n          checks:\n            is there: status == 200\n"
        )?;
    }
    plan.push_str("thresholds:\n  checks: [\"rate>0.5\"]\n  http_req_duration: [\"p(95)<500ms\"]\n");
    Ok(plan)
}

//! `loadgate run`: one run in the foreground.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::Failure;
use super::files::{PlanArgs, check_writable, complain, read_plan, say, write_whole};
use super::listener::{Foreground, Served};
use super::log::LogLines;
use super::outputs::{Kind, Output, SampleWriter, ShownArgs, To, Told};
use super::process::{raise_descriptor_limit, signal};
use super::segment::SegmentArgs;
use super::serve_metrics::MetricsServer;
use super::server_run::{Sent, ServerRun};
use crate::action;
use crate::api::Sources;
use crate::config::parse_duration;
use crate::executor::Segment;
use crate::flow::HttpDebug;
use crate::labels::Labels;
use crate::notify::{Address, Notices};
use crate::plan::Plan;
use crate::prometheus;
use crate::report::{Finished, Format, vegeta};
use crate::run::{RunOptions, execute, process_families};
use crate::scheduler::LoadOptions;
use crate::tsdb::Store;
use crate::verdict::Verdict;

/// Execute a plan in the foreground; the exit code is the verdict
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    loadgate target &\n  \
    loadgate run config/plans/health.yml -e DURATION=10s\n  \
    loadgate run config/plans/chat-streaming.yml --profile smoke --listen 127.0.0.1:5665 --summary-export summary.json\n  \
    loadgate run config/plans/health.yml --out json=samples.json.gz --out csv=samples.csv --junit junit.xml\n  \
    loadgate run config/plans/health.yml -e DURATION=5s --out vegeta-json | jq '.latencies.\"99th\"'\n  \
    loadgate run config/plans/health.yml -e DURATION=1s -e RATE=1 --http-debug=full\n  \
    loadgate run config/plans/health.yml --segment 2/3 --testid nightly    # on the second of three machines\n  \
    loadgate run config/plans/health.yml --server http://127.0.0.1:5665    # a daemon owns the run\n\n\
    Exit codes:\n  \
    0 passed · 99 failed · 98 inconclusive · 97 preflight or setup failed · 104 invalid plan · 105 stopped by a signal")]
pub(super) struct Run {
    /// The plan (YAML)
    #[arg(value_name = "PLAN")]
    file: PathBuf,
    #[command(flatten)]
    pub(super) plan: PlanArgs,
    #[command(flatten)]
    segment: SegmentArgs,
    #[command(flatten)]
    pub(super) output: OutputArgs,
    #[command(flatten)]
    server: ServerRun,
}

/// What is shown, written and served.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct OutputArgs {
    #[command(flatten)]
    pub(super) shown: ShownArgs,
    /// The run's id, the label `testid` (default: made of the time)
    #[arg(long, env = "LOADGATE_TESTID", value_name = "ID")]
    testid: Option<String>,
    /// Serve /metrics here during the run
    #[arg(long, env = "LOADGATE_LISTEN", value_name = "ADDR")]
    pub(super) listen: Option<SocketAddr>,
    /// Go on serving /metrics for this long after the run, so that the final values are scraped
    #[arg(long, env = "LOADGATE_LINGER", value_name = "DURATION", value_parser = parse_duration)]
    linger: Option<Duration>,
    /// Write results to a file, in k6's formats or Vegeta's: json=FILE and csv=FILE, a line per sample (compressed
    /// where FILE ends in .gz); vegeta-json=FILE, Vegeta's report. Without FILE, or with -, to stdout. May be repeated
    #[arg(short, long, env = "LOADGATE_OUT", value_name = "KIND[=FILE]", value_delimiter = ';')]
    out: Vec<Output>,
    /// Tell this Alertmanager of alerts that fire; may be repeated, and each is told of all. Only where no Prometheus
    /// evaluates the same rules: it would tell them too
    #[arg(long, env = "LOADGATE_ALERTMANAGER", value_name = "URL", value_delimiter = ',')]
    alertmanager: Vec<Address>,
    /// Let this Prometheus judge too: a gate of the plan's rule files that fires there fails the run, and if it cannot be
    /// asked, lacks one of the rules or does not see the final values, the run is inconclusive. It has to scrape --listen,
    /// and the run waits for it: --linger is not needed
    #[arg(long, env = "LOADGATE_PROMETHEUS", value_name = "URL")]
    prometheus: Option<prometheus::Address>,
    /// Run the programs that the plan names (`exec` in hooks and chaos); without it such a plan is refused
    #[arg(long, env = "LOADGATE_ALLOW_EXEC")]
    allow_exec: bool,
    /// Log each HTTP request and response, without the secrets in them; with bodies: --http-debug=full
    #[arg(long, env = "LOADGATE_HTTP_DEBUG", value_name = "WHAT", num_args = 0..=1, require_equals = true,
        default_missing_value = "headers", value_parser = http_debug)]
    http_debug: Option<HttpDebug>,
}

/// Between two samples of what we show ourselves.
const TICK: Duration = Duration::from_secs(1);

/// On stderr.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub(super) enum LogFormat {
    #[default]
    Text,
    Json,
}

impl From<LogFormat> for Format {
    fn from(format: LogFormat) -> Format {
        match format {
            LogFormat::Text => Format::Text,
            LogFormat::Json => Format::Json,
        }
    }
}

/// As in k6: `headers`, or `full` with bodies.
fn http_debug(text: &str) -> Result<HttpDebug, String> {
    match text {
        "headers" | "true" => Ok(HttpDebug::Headers),
        "full" => Ok(HttpDebug::Full),
        _ => Err("expected headers or full".to_owned()),
    }
}

impl Run {
    pub(super) fn execute(self) -> Result<u8, Failure> {
        if let Some(server) = &self.server.server {
            return self.server.execute(server, &self.sent()?);
        }
        self.server.check_alone()?;
        if self.output.linger.is_some() && self.output.listen.is_none() {
            return Err(Failure::usage(
                "error: --linger needs --listen ADDR: there is nothing to go on serving",
            ));
        }
        let segment = self.segment.segment()?;
        let whole = read_plan(&self.file, &self.plan)?;
        let vus = whole.max_vus();
        let plan = whole.part(segment);
        if vus > 0 && plan.max_vus() == 0 {
            return Err(Failure::usage(format!(
                "error: --segment: none of the plan's {vus} VUs falls to this part: it would send no load; use fewer parts"
            )));
        }
        let file = self.file.display().to_string();
        let finished = foreground(plan, &self.output, &file, self.plan.profile.as_deref())?;
        Ok(finished.exit_code())
    }

    /// What a daemon is sent.
    fn sent(&self) -> Result<Sent<'_>, Failure> {
        if self.segment.segment()? != Segment::WHOLE {
            return Err(Failure::usage("error: --segment does not go with --server"));
        }
        let output = &self.output;
        if let Some(flag) = output.of_this_process() {
            return Err(Failure::usage(format!(
                "error: {flag} does not go with --server: the daemon executes the run"
            )));
        }
        let shown = &output.shown;
        [&shown.summary_export, &shown.report]
            .into_iter()
            .flatten()
            .try_for_each(|file| check_writable(file))?;
        Ok(Sent {
            file: &self.file,
            plan: &self.plan,
            tags: &shown.tag,
            summary_export: shown.summary_export.as_ref(),
            report: shown.report.as_ref(),
            quiet: shown.quiet,
        })
    }
}

/// Executes the plan, shows and writes what came of it, and lingers. `file` is where the plan came from.
fn foreground(
    plan: Plan,
    output: &OutputArgs,
    file: &str,
    profile: Option<&str>,
) -> Result<Finished, Failure> {
    output.check()?;
    if let (Some(refused), false) = (&plan.programs, output.allow_exec) {
        return Err(Failure::invalid(refused.to_string()));
    }
    raise_descriptor_limit();
    let shown = &output.shown;
    let log = LogLines::install(shown.log_format, Arc::clone(&plan.redactor), "info");
    let store = Arc::new(Store::default());
    let serve = |address| MetricsServer::start(address, Sources::new(Arc::clone(&store)));
    let metrics = output.listen.map(serve).transpose()?;
    if let Some(metrics) = &metrics {
        complain(&format!("serving http://{}/metrics", metrics.address));
    }
    let retain = plan.retain_series;
    let plan = Arc::new(plan);
    let served = metrics.as_ref().map(|metrics| Served::new(Arc::clone(&metrics.sources), &plan));
    let external_url =
        metrics.as_ref().map(|metrics| format!("http://{}", metrics.address)).unwrap_or_default();
    let mut options = RunOptions {
        testid: output.testid.clone().unwrap_or_else(new_testid),
        tags: shown.tag.clone(),
        load: LoadOptions::default(),
        store: Arc::clone(&store),
        external_url: external_url.clone(),
        prometheus: output.prometheus.clone(),
        standing: None,
        written: None,
        control: None,
        actions: action::Options { allow_exec: output.allow_exec, ..action::Options::default() },
    };
    options.load.instruments.http_debug = output.http_debug;
    let tags = options.tags.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let tags = plan.tags.merged(&Labels::new(tags.chain([("testid", options.testid.as_str())])));
    if let Some(SampleWriter { taps, written }) = SampleWriter::start(&output.out, &plan, &tags)? {
        options.load.instruments.taps = Some(taps);
        options.written = Some(written);
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::internal("start", error))?;
    let notifier = (!output.alertmanager.is_empty()).then(|| {
        let _inside = runtime.enter();
        let tls = Some(Arc::clone(&plan.settings.tls.http1));
        Notices::start(&output.alertmanager, tls, external_url)
    });
    let interval = plan.scrapes.iter().map(|scrape| scrape.interval).fold(TICK, Duration::max);
    let mut listener = Foreground::new(&plan, shown.quiet, shown.log_format.into(), log, served, notifier);
    let finished = runtime.block_on(execute(plan, options, &mut listener, stopped()));
    let (notifier, log) = listener.finish();
    let finished = finished.map_err(|error| Failure::internal("start the load", error))?;
    // Where stdout carries results, it carries nothing else.
    shown.say_summary(&finished, output.to_stdout());
    // Whatever cannot be written must not hide the verdict, which has been printed by now.
    let told = Told {
        finished: &finished,
        series: &store,
        log: &log,
        plan: file,
        profile,
        tags: &shown.tag,
        interval,
    };
    let written = shown.write_reports(&told).and(output.write_results(&finished));
    runtime.block_on(async {
        if let Some(metrics) = &metrics {
            linger(metrics, output.linger.unwrap_or_default(), retain).await;
        }
        // Whoever is on call has seen it by now, or never will.
        if let Some(notifier) = notifier {
            notifier.close().await;
        }
    });
    if let Some(metrics) = metrics {
        metrics.stop();
    }
    match written {
        // The verdict says more than a full disk does, unless all was well.
        Err(failure) if finished.verdict != Verdict::Passed => complain(&failure.to_string()),
        written => written?,
    }
    Ok(finished)
}

impl OutputArgs {
    /// Refuses what would fail late, after a long run.
    fn check(&self) -> Result<(), Failure> {
        if let (Some(address), None) = (&self.prometheus, self.listen) {
            return Err(Failure::usage(format!(
                "error: --prometheus {address} needs --listen ADDR: without it there is nothing to scrape"
            )));
        }
        self.shown.check(&self.out)?;
        let at_the_end = self.out.iter().filter(|output| output.kind == Kind::Vegeta);
        at_the_end.filter_map(Output::file).try_for_each(check_writable)
    }

    /// A flag that means nothing to a daemon.
    fn of_this_process(&self) -> Option<&'static str> {
        let given = [
            ("--testid", self.testid.is_some()),
            ("--listen", self.listen.is_some()),
            ("--linger", self.linger.is_some()),
            ("--out", !self.out.is_empty()),
            ("--junit", self.shown.junit.is_some()),
            ("--alertmanager", !self.alertmanager.is_empty()),
            ("--prometheus", self.prometheus.is_some()),
            ("--http-debug", self.http_debug.is_some()),
            ("--summary-trend-stats", self.shown.names_trend_stats()),
            ("--log-format=json", self.shown.log_format == LogFormat::Json),
        ];
        given.into_iter().find_map(|(flag, is_given)| is_given.then_some(flag))
    }

    fn to_stdout(&self) -> bool {
        self.out.iter().any(|output| output.to == To::Stdout)
    }

    /// Those of `--out` that are written at the end.
    fn write_results(&self, finished: &Finished) -> Result<(), Failure> {
        let mut written = Vec::new();
        for output in self.out.iter().filter(|output| output.kind == Kind::Vegeta) {
            let report = format!("{}\n", vegeta(finished));
            written.push(match &output.to {
                To::Stdout => {
                    say(&report);
                    Ok(())
                }
                To::File(file) => write_whole(file, &report),
            });
        }
        written.into_iter().collect()
    }
}

/// Serves the final values for a while, but no longer than `retain_series`: after that they are gone.
async fn linger(metrics: &MetricsServer, linger: Duration, retain: Duration) {
    let forget = async {
        tokio::time::sleep(retain).await;
        metrics.sources.exporter.publish(process_families());
        metrics.sources.store.forget_matching(&[]);
        std::future::pending().await
    };
    tokio::select! {
        () = tokio::time::sleep(linger) => {}
        () = forget => {}
        _ = signal() => {}
    }
}

async fn stopped() -> String {
    format!("signal {}", signal().await)
}

/// Sortable by time, and unlike the id of a run that another machine starts at the same moment.
fn new_testid() -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    format!("{:010x}-{:04x}", now.as_secs(), fastrand::u16(..))
}

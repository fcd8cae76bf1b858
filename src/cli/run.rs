//! `loadgate run`: one run in the foreground.

use std::io::IsTerminal;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::Failure;
use super::files::{PlanArgs, check_writable, complain, pair, read_plan, say, write_whole};
use super::listener::{Foreground, Served};
use super::log::LogLines;
use super::outputs::{Kind, Output, SampleWriter, To, check_distinct};
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
use crate::report::{Finished, Format, SummaryOptions, TrendStat, json_summary, junit, text, vegeta};
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
    /// A tag on every series of the run; may be repeated
    #[arg(long, env = "LOADGATE_TAG", value_name = "NAME=VALUE", value_parser = tag)]
    tag: Vec<(String, String)>,
    /// The run's id, the label `testid` (default: made of the time)
    #[arg(long, env = "LOADGATE_TESTID", value_name = "ID")]
    testid: Option<String>,
    /// Serve /metrics here during the run
    #[arg(long, env = "LOADGATE_LISTEN", value_name = "ADDR")]
    pub(super) listen: Option<SocketAddr>,
    /// Go on serving /metrics for this long after the run, so that the final values are scraped
    #[arg(long, env = "LOADGATE_LINGER", value_name = "DURATION", value_parser = parse_duration)]
    linger: Option<Duration>,
    /// Write verdict, gates and all metrics to this file as JSON
    #[arg(long, env = "LOADGATE_SUMMARY_EXPORT", value_name = "FILE")]
    summary_export: Option<PathBuf>,
    /// Write results to a file, in k6's formats or Vegeta's: json=FILE and csv=FILE, a line per sample (compressed
    /// where FILE ends in .gz); vegeta-json=FILE, Vegeta's report. Without FILE, or with -, to stdout. May be repeated
    #[arg(short, long, env = "LOADGATE_OUT", value_name = "KIND[=FILE]", value_delimiter = ';')]
    out: Vec<Output>,
    /// Write thresholds and doubts to this file as JUnit's XML
    #[arg(long, env = "LOADGATE_JUNIT", value_name = "FILE")]
    junit: Option<PathBuf>,
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
    /// Statistics of trends in the summary and its export: avg, min, med, max, count, p(N), comma-separated
    #[arg(long, env = "LOADGATE_SUMMARY_TREND_STATS", value_name = "LIST", value_parser = trend_stats)]
    summary_trend_stats: Option<TrendStats>,
    /// How progress and log are written on stderr: `json` is an object a line, every 5 s one of what was sent
    #[arg(long, env = "LOADGATE_LOG_FORMAT", value_name = "FORMAT", value_enum, default_value_t)]
    log_format: LogFormat,
    /// Show no progress
    #[arg(short, long, env = "LOADGATE_QUIET")]
    quiet: bool,
}

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

/// How long `/metrics` is served after the run.
#[derive(Debug, Clone, Copy)]
pub(super) enum Stay {
    /// As long as `--linger` says.
    Linger,
    UntilSignal,
}

/// As in k6: `headers`, or `full` with bodies.
fn http_debug(text: &str) -> Result<HttpDebug, String> {
    match text {
        "headers" | "true" => Ok(HttpDebug::Headers),
        "full" => Ok(HttpDebug::Full),
        _ => Err("expected headers or full".to_owned()),
    }
}

#[derive(Debug, Clone)]
struct TrendStats(Vec<TrendStat>);

fn trend_stats(text: &str) -> Result<TrendStats, String> {
    TrendStat::list(text).map(TrendStats).map_err(|error| error.to_string())
}

/// Tags become labels: those that Prometheus or we set ourselves are refused.
fn tag(text: &str) -> Result<(String, String), String> {
    let (name, value) = pair(text)?;
    match crate::config::check_tag_name(&name) {
        Ok(()) => Ok((name, value)),
        Err(why) => Err(why),
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
        let finished = foreground(plan, &self.output, Stay::Linger, || ())?;
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
        if let Some(file) = &output.summary_export {
            check_writable(file)?;
        }
        Ok(Sent {
            file: &self.file,
            plan: &self.plan,
            tags: &output.tag,
            summary_export: output.summary_export.as_ref(),
            quiet: output.quiet,
        })
    }
}

/// Executes the plan, shows and writes what came of it, and lingers. `ready` is called when
/// everything that could be refused has been.
pub(super) fn foreground(
    plan: Plan,
    output: &OutputArgs,
    stay: Stay,
    ready: impl FnOnce(),
) -> Result<Finished, Failure> {
    output.check()?;
    if let (Some(refused), false) = (&plan.programs, output.allow_exec) {
        return Err(Failure::invalid(refused.to_string()));
    }
    raise_descriptor_limit();
    let log = LogLines::install(output.log_format, Arc::clone(&plan.redactor));
    let store = Arc::new(Store::default());
    let serve = |address| MetricsServer::start(address, Sources::new(Arc::clone(&store)));
    let metrics = output.listen.map(serve).transpose()?;
    if let Some(metrics) = &metrics {
        complain(&format!("serving http://{}/metrics", metrics.address));
    }
    ready();
    let retain = plan.retain_series;
    let plan = Arc::new(plan);
    let served = metrics.as_ref().map(|metrics| Served::new(Arc::clone(&metrics.sources), &plan));
    let external_url =
        metrics.as_ref().map(|metrics| format!("http://{}", metrics.address)).unwrap_or_default();
    let mut options = RunOptions {
        testid: output.testid.clone().unwrap_or_else(new_testid),
        tags: output.tag.clone(),
        load: LoadOptions::default(),
        store,
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
    let mut listener = Foreground::new(&plan, output.quiet, output.log_format.into(), log, served, notifier);
    let finished = runtime.block_on(execute(plan, options, &mut listener, stopped()));
    let notifier = listener.finish();
    let finished = finished.map_err(|error| Failure::internal("start the load", error))?;
    let stats = output.summary_trend_stats.as_ref().map(|TrendStats(stats)| stats.clone());
    let colour = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let exported = stats.clone().unwrap_or_else(|| TrendStat::EXPORTED.to_vec());
    let trend_stats = stats.unwrap_or_else(|| SummaryOptions::default().trend_stats);
    let shown = text(&finished, &SummaryOptions { trend_stats, colour });
    // Where stdout carries results, it carries nothing else.
    if output.to_stdout() {
        complain(&shown)
    } else {
        say(&shown)
    }
    // Whatever cannot be written must not hide the verdict, which has been printed by now.
    let written = output.write_reports(&finished, &exported);
    runtime.block_on(async {
        if let Some(metrics) = &metrics {
            linger(metrics, output.linger.unwrap_or_default(), retain, stay).await;
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
        let others = [&self.summary_export, &self.junit].into_iter().flatten().map(PathBuf::as_path);
        check_distinct(&self.out, others.clone())?;
        let files = self.out.iter().filter(|output| output.kind == Kind::Vegeta).filter_map(Output::file);
        files.chain(others).try_for_each(check_writable)
    }

    /// A flag that means nothing to a daemon.
    fn of_this_process(&self) -> Option<&'static str> {
        let given = [
            ("--testid", self.testid.is_some()),
            ("--listen", self.listen.is_some()),
            ("--linger", self.linger.is_some()),
            ("--out", !self.out.is_empty()),
            ("--junit", self.junit.is_some()),
            ("--alertmanager", !self.alertmanager.is_empty()),
            ("--prometheus", self.prometheus.is_some()),
            ("--http-debug", self.http_debug.is_some()),
            ("--summary-trend-stats", self.summary_trend_stats.is_some()),
            ("--log-format=json", self.log_format == LogFormat::Json),
        ];
        given.into_iter().find_map(|(flag, is_given)| is_given.then_some(flag))
    }

    fn to_stdout(&self) -> bool {
        self.out.iter().any(|output| output.to == To::Stdout)
    }

    /// All that is written at the end. One that fails does not keep the others from being written.
    fn write_reports(&self, finished: &Finished, trend_stats: &[TrendStat]) -> Result<(), Failure> {
        let mut written = Vec::new();
        if let Some(file) = &self.summary_export {
            written.push(write_whole(file, &format!("{:#}\n", json_summary(finished, trend_stats))));
        }
        if let Some(file) = &self.junit {
            let report = junit(finished).map_err(|error| Failure::internal("write JUnit's XML", error));
            written.push(report.and_then(|report| write_whole(file, &report)));
        }
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
async fn linger(metrics: &MetricsServer, linger: Duration, retain: Duration, stay: Stay) {
    let end = async {
        match stay {
            Stay::Linger => tokio::time::sleep(linger).await,
            Stay::UntilSignal => std::future::pending().await,
        }
    };
    let forget = async {
        tokio::time::sleep(retain).await;
        metrics.sources.exporter.publish(process_families());
        metrics.sources.store.forget_matching(&[]);
        std::future::pending().await
    };
    tokio::select! {
        () = end => {}
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

//! What all shipped rules cost in a second of run: 1,000 series, each group at its own interval.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::Result;
use crate::bench::Bench;
use crate::clients::Client;
use crate::figures::Figure;
use crate::machine::Place;
use crate::page::Pages;
use crate::peer::Prometheus;
use crate::report::{Bound, Report, Table};
use crate::rounds::{Run, interleave};
use crate::rows::Row;

pub(crate) fn run(bench: &Bench, report: &mut Report) -> Result<()> {
    let file = bench.folder().join("rules.json");
    let pages = Pages::record(bench)?;
    pages.write(&file)?;
    let rules = shipped()?;
    let (ticks, watched) = (bench.secs(300), bench.secs(60));
    let rows = interleave(bench, &[Client::Loadgate, Client::Prometheus], |client| match client {
        Client::Prometheus => {
            // With and without rules at the same time: they share whatever hour the machine has.
            let server =
                bench.role(Place::Server, "page-server", &["--pages", &file.display().to_string()])?;
            let other =
                bench.role(Place::Server, "page-server", &["--pages", &file.display().to_string()])?;
            let config = |address: &str, rules: &[PathBuf]| config(&pages, address, rules);
            let with = Prometheus::scraping(bench, &config(&server.first_line, &rules)?, Place::Client)?;
            let without = Prometheus::scraping(bench, &config(&other.first_line, &[])?, Place::Client)?;
            // Its first look at everything is not what a second costs.
            wait(bench, Duration::from_secs(3))?;
            let used = || Ok::<_, crate::Failure>((with.cpu_secs()?, without.cpu_secs()?));
            let (began, before) = (Instant::now(), used()?);
            wait(bench, Duration::from_secs(watched))?;
            let (after, secs) = (used()?, began.elapsed().as_secs_f64());
            let (with, without) = (after.0 - before.0, after.1 - before.1);
            let row = Row::default().with(Figure::FirstMinuteCpuMs, (with - without) * 1000.0 / secs);
            let cpu_secs = with + without + server.cpu_secs()? + other.cpu_secs()?;
            Ok(Run { row, cpu_secs })
        }
        _ => {
            let (pages, ticks) = (file.display().to_string(), ticks.to_string());
            let mut args = vec!["--pages", &pages, "--ticks", &ticks];
            let rules: Vec<String> = rules.iter().map(|path| path.display().to_string()).collect();
            args.extend(rules.iter().map(String::as_str));
            let (said, cpu_secs) = bench.work("evaluator", &args)?;
            let row = Row::default()
                .with_known(Figure::Series, said["series"].as_f64())
                .with_known(Figure::Rules, said["rules"].as_f64())
                .with_known(Figure::Alerts, said["alerts"].as_f64())
                .with_known(Figure::RulesCpuMs, said["rules_ms"].as_f64())
                .with_known(Figure::FirstMinuteCpuMs, said["first_ms"].as_f64())
                .with_known(Figure::WorstTickMs, said["worst_ms"].as_f64())
                .with_known(Figure::IntakeCpuMs, said["intake_ms"].as_f64());
            Ok(Run { row, cpu_secs })
        }
    })?;
    let columns = vec![
        Figure::Series,
        Figure::Rules,
        Figure::Alerts,
        Figure::RulesCpuMs,
        Figure::WorstTickMs,
        Figure::IntakeCpuMs,
        Figure::FirstMinuteCpuMs,
    ];
    let title = format!("All shipped rules: {ticks} s of run, Prometheus for {watched} s");
    let table = Table { title, columns, ratios: vec![Figure::FirstMinuteCpuMs], rows };
    report.target(
        "all shipped rules over 1,000 series: CPU ms per second of run",
        Bound::AtMost(5.0),
        table.judged(Figure::RulesCpuMs),
    );
    report.table(table);
    Ok(())
}

fn shipped() -> Result<Vec<PathBuf>> {
    let folder = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/alerting/rules"))?;
    let mut files: Vec<PathBuf> = folder.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    files.retain(|path| path.extension().is_some_and(|extension| extension == "yml"));
    files.sort();
    Ok(files)
}

fn config(pages: &Pages, address: &str, rules: &[PathBuf]) -> Result<String> {
    let mut config = "global: {scrape_interval: 1s, scrape_timeout: 1s}\nscrape_configs:\n".to_owned();
    for job in pages.jobs() {
        writeln!(config, "  - job_name: {job}\n    honor_labels: true\n    metrics_path: /{job}")?;
        writeln!(config, "    static_configs: [{{targets: [\"{address}\"]}}]")?;
    }
    if !rules.is_empty() {
        writeln!(config, "rule_files:")?;
        rules.iter().try_for_each(|path| writeln!(config, "  - {}", path.display()))?;
    }
    Ok(config)
}

fn wait(bench: &Bench, time: Duration) -> Result<()> {
    let began = Instant::now();
    while began.elapsed() < time {
        std::thread::sleep(Duration::from_millis(100));
        bench.interrupt.check()?;
    }
    Ok(())
}

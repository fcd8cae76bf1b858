//! Debian's Prometheus and promtool. Where they are not installed a test skips, and says so.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

use super::exchange;
use super::listening::listening;

/// `promtool check metrics` has nothing to say of this body in text 0.0.4.
pub(crate) fn check_with_promtool(body: &[u8]) {
    let child = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = match child {
        Ok(child) => child,
        Err(error) => return skipped("promtool", &error),
    };
    child.stdin.take().unwrap().write_all(body).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert!(output.status.success() && said.is_empty(), "{said}");
}

/// How promtool ends on a file, and what it says; `None`, said on stdout, where there is no promtool.
pub(crate) fn promtool(arguments: &[&str], file: &Path) -> Option<(i32, String)> {
    match Command::new("promtool").args(arguments).arg(file).output() {
        Ok(output) => {
            let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
            Some((output.status.code().unwrap_or(-1), said))
        }
        Err(error) => {
            skipped("promtool", &error);
            None
        }
    }
}

fn skipped(program: &str, error: &std::io::Error) {
    println!("skipped: {program} does not start ({error}); it comes with Debian's package prometheus");
}

/// A server that scrapes one address each second. Ends when it is dropped.
pub(crate) struct Prometheus {
    child: Child,
    pub(crate) address: SocketAddr,
    folder: Option<TempDir>,
}

impl Prometheus {
    pub(crate) const SCRAPE_INTERVAL_SECS: u64 = 1;

    /// `features` as in `--enable-feature`. `None` where it is not installed.
    pub(crate) fn scraping(target: SocketAddr, features: &[&str]) -> Option<Self> {
        let config = format!(
            "global: {{scrape_interval: {0}s, scrape_timeout: {0}s}}\n\
             scrape_configs: [{{job_name: loadgate, static_configs: [{{targets: ['{target}']}}]}}]\n",
            Prometheus::SCRAPE_INTERVAL_SECS
        );
        let features = format!("--enable-feature={}", features.join(","));
        Prometheus::start(TempDir::new().unwrap(), &config, &[&features])
    }

    /// One that scrapes these jobs and evaluates these rules, both each second.
    pub(crate) fn evaluating(rules: &str, jobs: &[(&str, SocketAddr)]) -> Option<Self> {
        let folder = TempDir::new().unwrap();
        std::fs::write(folder.path().join("rules.yml"), rules).unwrap();
        let job = |(name, target): &(&str, SocketAddr)| {
            format!("- {{job_name: {name}, static_configs: [{{targets: ['{target}']}}]}}\n")
        };
        let jobs: String = jobs.iter().map(job).collect();
        let config = format!(
            "global: {{scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}}\n\
             rule_files: [rules.yml]\nscrape_configs:\n{jobs}"
        );
        let prometheus = Prometheus::start(folder, &config, &[])?;
        prometheus.wait_for("vector(1)");
        Some(prometheus)
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// One that scrapes nothing and holds these samples, written as OpenMetrics with their times.
    pub(crate) fn holding(open_metrics: &str) -> Option<Self> {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("samples.txt");
        std::fs::write(&file, open_metrics).unwrap();
        let import = Command::new("promtool")
            .args(["tsdb", "create-blocks-from", "openmetrics"])
            .args([&file, &folder.path().join("data")])
            .output();
        let import = match import {
            Ok(import) => import,
            Err(error) => {
                skipped("promtool", &error);
                return None;
            }
        };
        assert!(import.status.success(), "{}", String::from_utf8_lossy(&import.stderr));
        let prometheus = Prometheus::start(folder, "global: {}\n", &["--storage.tsdb.retention.time=100y"])?;
        while prometheus.ask("query", &[("query", "1")]).is_null() {
            std::thread::sleep(Duration::from_millis(20));
        }
        Some(prometheus)
    }

    /// Its data lie in `data` in the folder, and may be there already.
    pub(crate) fn start(folder: TempDir, config: &str, arguments: &[&str]) -> Option<Self> {
        std::fs::write(folder.path().join("prometheus.yml"), config).unwrap();
        let child = Command::new("prometheus")
            .arg(format!("--config.file={}", folder.path().join("prometheus.yml").display()))
            .arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()))
            .arg("--web.listen-address=127.0.0.1:0")
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn();
        let mut child = match child {
            Ok(child) => child,
            Err(error) => {
                skipped("prometheus", &error);
                return None;
            }
        };
        let address = listening(&mut child, "prometheus");
        Some(Prometheus { child, address, folder: Some(folder) })
    }

    /// Reads configuration and rules anew; needs `--web.enable-lifecycle`.
    pub(crate) fn reload(&self) {
        let answer = exchange(self.address, "POST", "/-/reload", "", "");
        assert_eq!(answer.status, 200, "{}", answer.text());
    }

    /// Ends it in good order: all that it has is in its folder.
    pub(crate) fn end(mut self) -> TempDir {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap();
        kill_process(pid, Signal::TERM).unwrap();
        let ended = self.child.wait().unwrap();
        assert!(ended.success(), "prometheus ended with {ended}");
        self.folder.take().unwrap()
    }

    /// The `data` of an answer of the HTTP API; `path` without `/api/v1/`.
    ///
    /// # Panics
    /// When the answer is no success, but for one that says it is not ready yet, which is `Null`.
    pub(crate) fn ask(&self, path: &str, parameters: &[(&str, &str)]) -> Value {
        let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
        let answer = exchange(self.address, "GET", &format!("/api/v1/{path}?{query}"), "", "");
        if answer.status == 503 {
            return Value::Null;
        }
        let mut answer = answer.json();
        assert_eq!(answer["status"], "success", "{parameters:?}: {answer}");
        answer["data"].take()
    }

    /// The result of an instant query: (labels, value) of each sample that is a number.
    pub(crate) fn query(&self, expression: &str) -> Vec<(Value, f64)> {
        let data = self.ask("query", &[("query", expression)]);
        let samples = data["result"].as_array().map(Vec::as_slice).unwrap_or_default();
        samples
            .iter()
            .filter_map(|sample| Some((sample["metric"].clone(), number(&sample["value"])?)))
            .collect()
    }

    /// Until an instant query gives something.
    pub(crate) fn wait_for(&self, expression: &str) {
        let patience = Instant::now() + Duration::from_secs(60);
        while self.query(expression).is_empty() {
            assert!(Instant::now() < patience, "waited in vain for {expression}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// How many numbers a range query with a step of a second gives; NaN is none.
    pub(crate) fn numbers_in_range(&self, expression: &str, start: f64, end: f64) -> usize {
        let (start, end) = (start.to_string(), end.to_string());
        let parameters = [("query", expression), ("start", &start), ("end", &end), ("step", "1")];
        let data = self.ask("query_range", &parameters);
        let series = data["result"].as_array().map(Vec::as_slice).unwrap_or_default();
        series
            .iter()
            .flat_map(|one| one["values"].as_array().map(Vec::as_slice).unwrap_or_default())
            .filter(|sample| number(sample).is_some_and(|value| !value.is_nan()))
            .count()
    }

    /// A list of strings: label names, or the values of one.
    pub(crate) fn list(&self, path: &str) -> Vec<String> {
        let data = self.ask(path, &[]);
        let list = data.as_array().map(Vec::as_slice).unwrap_or_default();
        list.iter().map(|value| value.as_str().unwrap().to_owned()).collect()
    }
}

/// The value of `[time, "value"]`.
fn number(sample: &Value) -> Option<f64> {
    sample[1].as_str()?.parse().ok()
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ended_already = self.child.kill();
        let _ended = self.child.wait();
    }
}

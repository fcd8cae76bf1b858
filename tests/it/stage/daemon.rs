//! The daemon as a process of its own, which a test may kill and start again on the same folder.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Child;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{Answer, exchange, loadgate};

pub(crate) struct Daemon {
    child: Child,
    pub(crate) address: SocketAddr,
    pub(crate) folder: TempDir,
    log: Arc<Mutex<Vec<String>>>,
}

const JSON: &str = "Content-Type: application/json\r\n";
/// For whatever a test waits for.
const PATIENCE: Duration = Duration::from_secs(60);

impl Daemon {
    /// With more of a configuration, and plans by their names.
    pub(crate) fn start(config: &str, plans: &[(&str, &str)]) -> Self {
        let folder = TempDir::new().unwrap();
        fs::create_dir(folder.path().join("plans")).unwrap();
        for (name, plan) in plans {
            fs::write(folder.path().join(format!("plans/{name}.yml")), plan).unwrap();
        }
        write_config(&folder, config);
        Daemon::on(folder, None)
    }

    /// On a folder that a daemon has left, perhaps to die at a fault point.
    pub(crate) fn on(folder: TempDir, fault_point: Option<&str>) -> Self {
        Daemon::at("127.0.0.1:0", folder, fault_point)
    }

    /// At an address, perhaps that of one that was there before.
    pub(crate) fn at(listen: &str, folder: TempDir, fault_point: Option<&str>) -> Self {
        let mut command = loadgate();
        command.args(["serve", "--config", "loadgate.yml", "--listen", listen]);
        if let Some(point) = fault_point {
            command.env("LOADGATE_FAULT_POINT", point);
        }
        let mut child = command.current_dir(folder.path()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
        let log = Arc::<Mutex<Vec<String>>>::default();
        let address = lines.find_map(|line| {
            log.lock().unwrap().push(line.clone());
            line.split_once("serving http://")?.1.split(": ").next()?.parse().ok()
        });
        let address = address.unwrap_or_else(|| panic!("it does not serve: {:?}", log.lock().unwrap()));
        let heard = Arc::clone(&log);
        // Read on, or the program would wait for us.
        std::thread::spawn(move || lines.for_each(|line| heard.lock().unwrap().push(line)));
        Daemon { child, address, folder, log }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What a program wrote there, in lines; nothing if it did not.
    pub(crate) fn lines(&self, name: &str) -> Vec<String> {
        let text = fs::read_to_string(self.path(name)).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().join("\n")
    }

    pub(crate) fn ask(&self, method: &str, path: &str, headers: &str, body: &Value) -> Answer {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        exchange(self.address, method, path, &format!("{JSON}{headers}"), &body)
    }

    pub(crate) fn get(&self, path: &str) -> Value {
        self.ask("GET", path, "", &Value::Null).json()
    }

    pub(crate) fn post(&self, path: &str) -> Answer {
        self.ask("POST", path, "", &Value::Null)
    }

    /// The id of a new run of this plan.
    pub(crate) fn submit(&self, plan: &str) -> String {
        let answer = self.ask("POST", "/api/v1/runs", "", &json!({"plan": plan}));
        assert_eq!(answer.status, 201, "{}", answer.text());
        id(&answer.json())
    }

    pub(crate) fn run(&self, id: &str) -> Value {
        self.get(&format!("/api/v1/runs/{id}"))
    }

    /// Until the run is in this state.
    pub(crate) fn wait(&self, id: &str, state: &str) -> Value {
        self.until(|| Some(self.run(id)).filter(|run| run["state"] == state), &format!("{id} to be {state}"))
    }

    pub(crate) fn until<T>(&self, mut look: impl FnMut() -> Option<T>, what: &str) -> T {
        let patience = Instant::now() + PATIENCE;
        loop {
            if let Some(seen) = look() {
                return seen;
            }
            assert!(Instant::now() < patience, "waited in vain for {what}:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// All runs, the oldest first.
    pub(crate) fn runs(&self) -> Vec<Value> {
        let mut runs = self.get("/api/v1/runs?limit=500")["runs"].as_array().unwrap().clone();
        runs.reverse();
        runs
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap(), signal).unwrap();
    }

    /// As a crash: what it leaves behind.
    pub(crate) fn kill(mut self) -> TempDir {
        self.child.kill().unwrap();
        self.left()
    }

    /// Once it has ended by itself.
    pub(crate) fn left(mut self) -> TempDir {
        self.child.wait().unwrap();
        std::mem::replace(&mut self.folder, TempDir::new().unwrap())
    }

    /// Its exit code, and its folder.
    pub(crate) fn end(mut self) -> (Option<i32>, TempDir) {
        self.signal(Signal::TERM);
        let code = self.child.wait().unwrap().code();
        (code, std::mem::replace(&mut self.folder, TempDir::new().unwrap()))
    }
}

pub(crate) fn write_config(folder: &TempDir, more: &str) {
    let config = format!("data_dir: data\nplans: [plans]\nrule_files: []\n{more}");
    fs::write(folder.path().join("loadgate.yml"), config).unwrap();
}

pub(crate) fn id(run: &Value) -> String {
    run["id"].as_str().unwrap_or_else(|| panic!("{run}")).to_owned()
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ended_already = self.child.kill();
        let _ended = self.child.wait();
    }
}

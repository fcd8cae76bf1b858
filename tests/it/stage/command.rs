//! The program itself.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// How the program ended.
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    /// With the plan, the summary export and whatever else was written.
    pub(crate) folder: TempDir,
}

/// The program, untouched by the environment of whoever runs the tests.
pub(crate) fn loadgate() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_loadgate"));
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("LOADGATE_") || text.to_ascii_lowercase().ends_with("_proxy") {
            command.env_remove(name);
        }
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// `loadgate run` of this plan with a summary export, and its folder.
pub(crate) fn loadgate_run(plan: &str, arguments: &[&str]) -> (Command, TempDir) {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("plan.yml");
    std::fs::File::create(&file).unwrap().write_all(plan.as_bytes()).unwrap();
    let mut command = loadgate();
    command.arg("run").arg(file).arg("--summary-export").arg(folder.path().join("summary.json"));
    command.args(arguments);
    (command, folder)
}

impl Ended {
    /// Runs a plan to its end.
    pub(crate) fn run(plan: &str, arguments: &[&str]) -> Self {
        let (mut command, folder) = loadgate_run(plan, arguments);
        Ended::of(command.output().unwrap(), folder)
    }

    pub(crate) fn of(output: Output, folder: TempDir) -> Self {
        Ended {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
            folder,
        }
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What `--summary-export` wrote.
    pub(crate) fn export(&self) -> Value {
        serde_json::from_str(&std::fs::read_to_string(self.file("summary.json")).unwrap()).unwrap()
    }

    /// The verdict's line and those below it.
    pub(crate) fn verdict(&self) -> &str {
        self.stdout.find("verdict: ").map_or("", |at| &self.stdout[at..])
    }

    /// # Panics
    /// When the exit code is another, or the verdict's lines lack one of `said`.
    pub(crate) fn check(&self, code: i32, said: &[&str]) {
        let all = format!("{}\n{}", self.stdout, self.stderr);
        assert_eq!(self.code, code, "{all}");
        for said in said {
            assert!(self.verdict().contains(said), "`{said}` is not in:\n{all}");
        }
    }
}

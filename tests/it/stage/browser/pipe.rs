//! The DevTools protocol over Chromium's own pipe: it ends when we do, also when we are killed, and opens no port.

use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

/// For an answer of the browser, which shares its cores with whatever else is tested.
const PATIENCE: Duration = Duration::from_secs(60);

const FLAGS: [&str; 13] = [
    "--headless",
    "--remote-debugging-pipe",
    // A container has no user namespaces to make a sandbox of, and the pages are our own.
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-default-apps",
    "--hide-scrollbars",
    "--mute-audio",
];

/// A Chromium of its own, which is killed when it is dropped.
pub(super) struct Pipe {
    child: Child,
    commands: ChildStdin,
    messages: Receiver<Value>,
    /// What came while an answer was waited for.
    events: VecDeque<Value>,
    last_id: u64,
    _profile: TempDir,
}

impl Pipe {
    pub(super) fn open() -> Pipe {
        let profile = TempDir::new().unwrap();
        // It takes its descriptors 3 and 4, and says on stderr what nobody wants to read.
        let mut child = Command::new("sh")
            .args(["-c", "exec chromium \"$@\" 3<&0 4>&1 </dev/null >/dev/null 2>&1", "sh"])
            .args(FLAGS)
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg("about:blank")
            .env("HOME", profile.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (commands, answers) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let (told, messages) = channel();
        std::thread::spawn(move || {
            let said = BufReader::new(answers).split(0).map_while(Result::ok);
            // Whoever asked may have gone.
            said.map_while(|message| serde_json::from_slice(&message).ok())
                .try_for_each(|message: Value| told.send(message))
        });
        Pipe { child, commands, messages, events: VecDeque::new(), last_id: 0, _profile: profile }
    }

    /// `session` of a page; empty for the browser itself.
    ///
    /// # Panics
    /// When the browser refuses, or does not answer.
    pub(super) fn call(&mut self, session: &str, method: &str, parameters: &Value) -> Value {
        self.last_id += 1;
        let mut command = json!({"id": self.last_id, "method": method, "params": parameters});
        if !session.is_empty() {
            command["sessionId"] = session.into();
        }
        let what = |why: &str| format!("Chromium, told {method} {parameters:.300}: {why}");
        write!(self.commands, "{command}\0").unwrap_or_else(|error| panic!("{}", what(&error.to_string())));
        loop {
            let message = self.messages.recv_timeout(PATIENCE);
            let mut message = message.unwrap_or_else(|error| panic!("{}", what(&error.to_string())));
            if message["id"] != self.last_id {
                self.events.push_back(message);
                continue;
            }
            assert!(message["error"].is_null(), "{}", what(&message["error"].to_string()));
            return message["result"].take();
        }
    }

    /// What has come since it was asked last, in order.
    pub(super) fn events(&mut self) -> Vec<Value> {
        self.events.extend(self.messages.try_iter());
        self.events.drain(..).collect()
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        // It ends by itself with its pipe; killed, it ends at once.
        let _ended_already = self.child.kill();
        let _ended = self.child.wait();
    }
}

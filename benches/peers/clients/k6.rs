//! k6 with the same executors and its usual summary, nothing else on.

use std::fs::{read_to_string, write};
use std::process::Command;

use serde_json::{Value, json};

use super::summary::Summary;
use super::{Launch, Reported, cannot};
use crate::Result;
use crate::load::{Load, Shape};

const SCRIPT: &str = "script.js";
const REPORT: &str = "summary.json";

const HTTP: &str = "
import http from 'k6/http';
export default function () {
  http.get(URL);
}
";

const CHAT: &str = "
import ws from 'k6/ws';
export default function () {
  let sent = 0;
  ws.connect(URL, {}, (socket) => {
    const send = () => {
      sent += 1;
      socket.send(JSON.stringify({ type: 'message', content: `hello from ${__VU}` }));
    };
    socket.on('open', send);
    socket.on('message', (text) => {
      if (JSON.parse(text).type !== 'done') return;
      socket.setTimeout(() => (sent < MESSAGES ? send() : socket.close()), 1000);
    });
  });
}
";

const THINKING: &str = "
import http from 'k6/http';
import { sleep } from 'k6';
export default function () {
  http.get(URL);
  sleep(1);
}
";

const SOCKETS: &str = "
import ws from 'k6/ws';
export default function () {
  ws.connect(URL, {}, (socket) => {
    socket.on('open', () => {
      socket.setTimeout(() => socket.close(), SECS * 1000);
      if (PER_SEC > 0) {
        socket.setInterval(() => socket.send('{\"type\":\"ping\",\"content\":\"are you there?\"}'), 1000 / PER_SEC);
      }
    });
  });
}
";

pub(super) fn configure(launch: &Launch<'_>, command: &mut Command) -> Result<()> {
    let path = launch.folder.join(SCRIPT);
    write(&path, script(launch.load, &launch.folder.join(REPORT).to_string_lossy())?)?;
    // An empty address turns its REST API off, whose port might be taken.
    command.args(["run", "--quiet", "--no-usage-report", "--address="]).arg(path);
    Ok(())
}

pub(super) fn read(launch: &Launch<'_>) -> Result<Reported> {
    Ok(Summary::parse(&read_to_string(launch.folder.join(REPORT))?)?.reported())
}

fn script(load: &Load, report: &str) -> Result<String> {
    let mut constants = format!("const URL = {};\n", json!(load.url()));
    let body = match load.shape {
        Shape::Closed { .. } | Shape::Open { .. } => HTTP,
        Shape::Thinking { .. } => THINKING,
        Shape::Chat { messages, .. } => {
            constants += &format!("const MESSAGES = {messages};\n");
            CHAT
        }
        Shape::Sockets { per_sec, .. } => {
            constants += &format!("const PER_SEC = {per_sec};\nconst SECS = {};\n", load.secs());
            SOCKETS
        }
        Shape::Calls { .. } | Shape::Events { .. } | Shape::Messages { .. } | Shape::Hostile { .. } => {
            return Err(cannot("k6", load));
        }
    };
    let options = json!({
        "scenarios": {"load": scenario(load)},
        "discardResponseBodies": true,
        "summaryTrendStats": ["avg", "min", "med", "max", "p(90)", "p(95)", "p(99)", "count"],
    });
    let report = json!(report);
    Ok(format!(
        "{body}
{constants}export const options = {options};
export function handleSummary(data) {{
  return {{ [{report}]: JSON.stringify(data) }};
}}
"
    ))
}

fn scenario(load: &Load) -> Value {
    let duration = format!("{}s", load.secs());
    match load.shape {
        Shape::Sockets { connections: vus, .. } => json!({
            "executor": "per-vu-iterations", "vus": vus, "iterations": 1,
            "maxDuration": format!("{}s", load.secs() + 30.0), "gracefulStop": "10s",
        }),
        Shape::Closed { connections: vus }
        | Shape::Calls { connections: vus }
        | Shape::Events { publishers: vus, .. }
        | Shape::Messages { publishers: vus, .. }
        | Shape::Chat { users: vus, .. }
        | Shape::Thinking { users: vus }
        | Shape::Hostile { users: vus, .. } => {
            json!({"executor": "constant-vus", "vus": vus, "duration": duration, "gracefulStop": "10s"})
        }
        Shape::Open { rate, vus } => json!({
            "executor": "constant-arrival-rate", "rate": rate, "timeUnit": "1s", "duration": duration,
            "preAllocatedVUs": vus, "maxVUs": vus, "gracefulStop": "10s",
        }),
    }
}

//! Follows a run until it has ended, over as many connections as it takes.

use std::time::Duration;

use http::Method;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::server::{Answer, AskError, Server};
use super::sse::{Parser, Received, TooLong};
use super::text;
use crate::api::runs::dto::Run;
use crate::cli::Failure;
use crate::cli::files::{complain, say};
use crate::cli::process::signal;
use crate::verdict::Verdict;

/// A daemon that lives says something every 15 s.
const SILENCE: Duration = Duration::from_secs(45);
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// A daemon that comes back after a crash or an update is waited for; whoever waits in CI not for ever.
const GIVE_UP_AFTER: Duration = Duration::from_secs(600);
/// Between two lines of progress.
const PROGRESS_EVERY: Duration = Duration::from_secs(5);

/// How a run is followed.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::cli) struct Manner {
    /// Events as they come, one JSON object a line, instead of text.
    pub(in crate::cli) json: bool,
    /// No progress and no log.
    pub(in crate::cli) quiet: bool,
    /// A signal stops the run, and its end is waited for; else it only ends the following.
    pub(in crate::cli) stop_on_detach: bool,
}

/// How the following ended.
pub(in crate::cli) enum Outcome {
    /// With its summary, if it has one.
    Ended {
        run: Box<Run>,
        summary: Option<Value>,
    },
    Detached,
}

impl Outcome {
    /// That of the run; 105 for whoever left before it was known.
    pub(in crate::cli) fn exit_code(&self) -> u8 {
        match self {
            Outcome::Ended { run, .. } => run.exit_code.unwrap_or(Verdict::Inconclusive.exit_code()),
            Outcome::Detached => Verdict::Stopped.exit_code(),
        }
    }
}

/// Shows what happens to a run that is there until it has ended, and then what came of it.
pub(in crate::cli) async fn follow(server: &Server, id: &str, manner: Manner) -> Result<Outcome, Failure> {
    let mut follower = Follower { server, id, manner, last: None, shown: None };
    let mut asked_to_stop = false;
    let run = {
        let mut ended = Box::pin(follower.until_the_end());
        let mut interrupted = Box::pin(signal());
        loop {
            tokio::select! {
                run = &mut ended => break run?,
                _ = &mut interrupted, if !asked_to_stop => {
                    if !manner.stop_on_detach {
                        complain(&format!("detached: the run {id} goes on. {}", again(server, id)));
                        return Ok(Outcome::Detached);
                    }
                    asked_to_stop = true;
                    complain(&format!("stopping the run {id}; a second signal leaves it"));
                    stop(server, id).await?;
                }
            }
        }
    };
    let summary = match server.json(Method::GET, &format!("/api/v1/runs/{id}/summary"), None).await {
        Ok(summary) => Some(summary),
        Err(error) if error.status() == Some(409) => None,
        Err(error) => return Err(error.into()),
    };
    if !manner.json {
        say(&text::ended(&run, summary.as_ref()));
    }
    Ok(Outcome::Ended { run: Box::new(run), summary })
}

/// How to come back.
pub(in crate::cli) fn again(server: &Server, id: &str) -> String {
    format!("Follow it with: loadgate runs follow {id} --server {}", server.shown())
}

async fn stop(server: &Server, id: &str) -> Result<(), Failure> {
    match server.json::<Run>(Method::POST, &format!("/api/v1/runs/{id}/stop"), None).await {
        // It has ended meanwhile.
        Err(error) if error.status() == Some(409) => Ok(()),
        stopped => Ok(stopped.map(drop)?),
    }
}

struct Follower<'s> {
    server: &'s Server,
    id: &'s str,
    manner: Manner,
    /// The event that was seen last.
    last: Option<u64>,
    /// When progress was.
    shown: Option<Instant>,
}

/// Why one connection is done with.
enum Cut {
    /// The run has ended.
    Finished,
    /// Without a word, between two events.
    Ended,
    Lost(String),
}

impl Follower<'_> {
    async fn until_the_end(&mut self) -> Result<Run, Failure> {
        let mut pause = FIRST_PAUSE;
        let mut lost_at: Option<Instant> = None;
        loop {
            let seen = self.last;
            let why = match self.listen(&mut lost_at).await {
                // An interrupted run has no last event.
                Ok(cut @ (Cut::Finished | Cut::Ended)) => {
                    match self
                        .server
                        .json::<Run>(Method::GET, &format!("/api/v1/runs/{}", self.id), None)
                        .await
                    {
                        Ok(run) if run.state.has_ended() => return Ok(run),
                        Ok(_) => matches!(cut, Cut::Ended).then(|| "it closed the connection".to_owned()),
                        Err(error) if error.may_pass() => Some(error.to_string()),
                        Err(error) => return Err(error.into()),
                    }
                }
                // Even if the run has ended by now: there are events that were not seen.
                Ok(Cut::Lost(why)) => Some(why),
                Err(error) if error.may_pass() => Some(error.to_string()),
                Err(error) => return Err(error.into()),
            };
            if self.last != seen {
                (pause, lost_at) = (FIRST_PAUSE, None);
            }
            if let Some(why) = why {
                if lost_at.is_none() && !self.manner.quiet {
                    complain(&format!(
                        "lost the connection to {} ({why}); trying again",
                        self.server.shown()
                    ));
                }
                if lost_at.get_or_insert_with(Instant::now).elapsed() > GIVE_UP_AFTER {
                    let message = format!("error: {why}; given up. {}", again(self.server, self.id));
                    return Err(Failure { message, code: crate::cli::INTERNAL });
                }
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// One connection, until it ends; it begins after the last event that was seen.
    async fn listen(&mut self, lost_at: &mut Option<Instant>) -> Result<Cut, AskError> {
        let last = self.last.map(|last| last.to_string());
        let headers: Vec<(&'static str, &str)> =
            last.as_deref().map(|last| ("last-event-id", last)).into_iter().collect();
        let path = format!("/api/v1/runs/{}/events", self.id);
        let asked = self.server.ask(Method::GET, &path, &headers, None);
        let asked = tokio::time::timeout(SILENCE, asked).await;
        let Ok(answer) = asked else { return Ok(Cut::Lost(silence())) };
        let Answer { response, _connection } = answer?;
        if lost_at.take().is_some() && !self.manner.quiet {
            complain(&format!("connected to {} again", self.server.shown()));
        }
        let mut body = response.into_body();
        let mut parser = Parser::default();
        loop {
            let frame = match tokio::time::timeout(SILENCE, body.frame()).await {
                Err(_) => return Ok(Cut::Lost(silence())),
                Ok(None) => return Ok(Cut::Ended),
                Ok(Some(Err(error))) => return Ok(Cut::Lost(error.to_string())),
                Ok(Some(Ok(frame))) => frame,
            };
            let Ok(data) = frame.into_data() else { continue };
            match parser.push(&data) {
                Ok(events) => {
                    for event in events {
                        if self.take(event) {
                            return Ok(Cut::Finished);
                        }
                    }
                }
                Err(TooLong) => return Ok(Cut::Lost("it sent an event without end".to_owned())),
            }
        }
    }

    /// Whether this was the last one. One that was seen already is not shown again.
    fn take(&mut self, event: Received) -> bool {
        if event.id.is_some() && event.id <= self.last {
            return false;
        }
        self.last = event.id.or(self.last);
        let data: Value = serde_json::from_str(&event.data).unwrap_or(Value::String(event.data));
        if self.manner.json {
            say(&format!("{}\n", json!({"id": event.id, "event": event.kind, "data": data})));
        } else if !self.manner.quiet {
            let due = self.shown.is_none_or(|shown| shown.elapsed() >= PROGRESS_EVERY);
            if event.kind != "progress" || due {
                if let Some(line) = text::event(&event.kind, &data) {
                    complain(&line);
                }
                if event.kind == "progress" {
                    self.shown = Some(Instant::now());
                }
            }
        }
        event.kind == "finished"
    }
}

fn silence() -> String {
    format!("it said nothing for {} s", SILENCE.as_secs())
}

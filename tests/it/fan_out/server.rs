//! A service that passes on what is published to all that listen, and does to single events what a test says.

use std::sync::{Arc, Mutex};

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, watch};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

use crate::stage::{HttpServer, Service, reply, websocket_server};

/// What becomes of an event on its way to one listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Passed,
    Dropped,
    Twice,
    /// After the one that follows it.
    Later,
    /// The listener's connection breaks instead.
    Broken,
}

type Fates = Arc<dyn Fn(usize, usize) -> Fate + Send + Sync>;

/// Over WebSockets: who says `listen` gets each event from then on, once it is told `subscribed`; who says `publish` is
/// told `go` when enough have said that they are `ready`. What else a publisher says is an event.
pub(super) struct FanOut {
    pub(super) websockets: Service,
    /// Publishes what is POSTed. A GET is answered when enough are ready.
    pub(super) http: HttpServer,
}

struct Hub {
    fates: Fates,
    /// After so many events there are no more.
    events: usize,
    state: Mutex<State>,
    ready: watch::Sender<usize>,
}

#[derive(Default)]
struct State {
    passed: usize,
    joined: usize,
    listeners: Vec<Listener>,
}

struct Listener {
    /// In the order in which they came.
    number: usize,
    later: Option<String>,
    /// Nothing, for one whose connection is to break.
    to: mpsc::UnboundedSender<Option<String>>,
}

impl FanOut {
    /// `fates`: by listener and event, both from 0, in the order in which they come here.
    pub(super) fn start(
        events: usize,
        fates: impl Fn(usize, usize) -> Fate + Send + Sync + 'static,
        answer: impl Fn(u64) -> u16 + Send + Sync + 'static,
    ) -> Self {
        let (ready, _) = watch::channel(0);
        let hub = Arc::new(Hub { fates: Arc::new(fates), events, state: Mutex::default(), ready });
        let (to_websockets, answer) = (Arc::clone(&hub), Arc::new(answer));
        FanOut {
            websockets: websocket_server(move |socket| talk(Arc::clone(&to_websockets), socket)),
            http: HttpServer::start(move |asked| {
                let (hub, answer) = (Arc::clone(&hub), Arc::clone(&answer));
                async move {
                    if asked.method == "GET" {
                        hub.are_ready(asked.path.trim_start_matches('/').parse().unwrap()).await;
                        return reply(200, "");
                    }
                    let number = asked.path.trim_start_matches('/').parse().unwrap_or(0);
                    // 503: refused. What is 500 was passed on all the same.
                    let status = answer(number);
                    if status != 503 {
                        hub.publish(&asked.body);
                    }
                    reply(status, "")
                }
            }),
        }
    }
}

impl Hub {
    fn publish(&self, event: &str) {
        let mut state = self.state.lock().unwrap();
        let at = state.passed;
        state.passed += 1;
        for listener in &mut state.listeners {
            let fate = (self.fates)(listener.number, at);
            let say = |text: &str| drop(listener.to.send(Some(text.to_owned())));
            match fate {
                Fate::Passed => say(event),
                Fate::Twice => (0..2).for_each(|_| say(event)),
                Fate::Broken => drop(listener.to.send(None)),
                Fate::Dropped => {}
                Fate::Later => {
                    listener.later = Some(event.to_owned());
                    continue;
                }
            }
            listener.later.take().iter().for_each(|event| say(event));
        }
        state.listeners.retain(|listener| !listener.to.is_closed());
        if state.passed == self.events {
            let end = |listener: &Listener| drop(listener.to.send(Some(r#"{"type":"end"}"#.to_owned())));
            state.listeners.iter().for_each(end);
        }
    }

    fn listen(&self, to: mpsc::UnboundedSender<Option<String>>) {
        let mut state = self.state.lock().unwrap();
        let number = state.joined;
        state.joined += 1;
        state.listeners.push(Listener { number, later: None, to });
    }

    async fn are_ready(&self, listeners: usize) {
        let _ = self.ready.subscribe().wait_for(|ready| *ready >= listeners).await;
    }
}

async fn talk(hub: Arc<Hub>, mut socket: WebSocketStream<TcpStream>) {
    let (to, mut from) = mpsc::unbounded_channel();
    loop {
        let said = tokio::select! {
            said = socket.next() => said,
            event = from.recv() => match event {
                Some(Some(event)) => match socket.send(Message::text(event)).await {
                    Ok(()) => continue,
                    Err(_) => return,
                },
                // No goodbye.
                _ => return,
            },
        };
        let Some(Ok(message)) = said else { return };
        let Message::Text(text) = message else { continue };
        let mut words = text.split(' ');
        let answer = match (words.next(), words.next()) {
            (Some("listen"), None) => {
                hub.listen(to.clone());
                "subscribed"
            }
            (Some("ready"), None) => {
                hub.ready.send_modify(|ready| *ready += 1);
                continue;
            }
            (Some("publish"), Some(listeners)) => {
                hub.are_ready(listeners.parse().unwrap()).await;
                "go"
            }
            _ => {
                hub.publish(&text);
                continue;
            }
        };
        if socket.send(Message::text(format!("{{\"type\":\"{answer}\"}}"))).await.is_err() {
            return;
        }
    }
}

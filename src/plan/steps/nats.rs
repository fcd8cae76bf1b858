//! The step `nats`, compiled.

use std::sync::Arc;

use super::Steps;
use crate::config::{
    At, NatsActionConfig, NatsAuthConfig, NatsConfig, NatsConsumeConfig, NatsDeliver, NatsMessageConfig,
    NatsPublishConfig, NatsSubscribeConfig, Problem, TakeConfig,
};
use crate::flow::{
    Consume, Deliver, NatsAction, NatsMessage, NatsOwn, NatsPublish, NatsRequest, NatsStep, NatsTake,
    Payload, Source,
};
use crate::ids::StepId;
use crate::labels::Labels;
use crate::protocol::nats::{Auth, Servers};
use crate::template::Template;

impl Steps<'_> {
    pub(super) fn nats(&mut self, nats: &NatsConfig) -> Option<NatsStep> {
        let (_, what) = nats.action.words();
        let (id, labels) = self.labelled(&nats.bus, what);
        let servers = self.servers(nats);
        let action = self.action(&nats.action, &labels);
        let stream = match &nats.action {
            NatsActionConfig::Publish(NatsPublishConfig { stream: Some(stream), .. }) => {
                stream.value.as_str()
            }
            _ => "",
        };
        let account = NatsOwn::account(self.registry, id, labels, stream);
        let bus = self.bus(&nats.bus, servers.as_ref().map(|(_, connection)| *connection), account);
        Some(NatsStep { bus: bus?, servers: servers?.0, action: action? })
    }

    /// The servers, and the number of the connection that a VU has to them.
    fn servers(&mut self, nats: &NatsConfig) -> Option<(Arc<Servers>, StepId)> {
        let tls = match &nats.tls {
            Some(tls) => Some(super::super::target::tls(tls, false, self.files, self.problems)?),
            None => None,
        };
        let auth = self.auth_of(nats.auth.as_ref())?;
        let servers = match Servers::parse(&nats.url.value, auth, tls) {
            Ok(servers) => servers,
            Err(error) => {
                let message = self.files.redactor.redact(&format!("failed to {error}"));
                self.problems.push(Problem::new(nats.url.place, message));
                return None;
            }
        };
        for (host, port) in servers.hosts() {
            self.files.hosts.without_http(host, port, nats.url.place);
        }
        let known = self.files.nats.iter().position(|known| **known == servers);
        let at = known.unwrap_or_else(|| {
            self.files.nats.push(Arc::new(servers));
            self.files.nats.len() - 1
        });
        Some((Arc::clone(&self.files.nats[at]), StepId(at as u32)))
    }

    fn auth_of(&mut self, auth: Option<&NatsAuthConfig>) -> Option<Auth> {
        Some(match auth {
            None => Auth::None,
            Some(NatsAuthConfig::User { user, password }) => {
                Auth::User { user: user.value.clone(), password: password.value.clone() }
            }
            Some(NatsAuthConfig::Token(token)) => Auth::Token(token.value.clone()),
            Some(NatsAuthConfig::NkeyFile(path)) => Auth::Nkey(self.text_file(path)?.trim().to_owned()),
            Some(NatsAuthConfig::CredsFile(path)) => Auth::Credentials(self.text_file(path)?),
        })
    }

    fn text_file(&mut self, path: &At<String>) -> Option<String> {
        let bytes = self.file(path)?;
        let text = std::str::from_utf8(&bytes).map(str::to_owned);
        let refused = || Problem::new(path.place, format!("`{}` is not text in UTF-8", path.value));
        text.map_err(|_| self.problems.push(refused())).ok()
    }

    fn action(&mut self, action: &NatsActionConfig, labels: &Labels) -> Option<NatsAction> {
        Some(match action {
            NatsActionConfig::Publish(publish) => NatsAction::Publish(self.nats_publish(publish, labels)?),
            NatsActionConfig::Request(request) => NatsAction::Request(NatsRequest {
                message: self.message(&request.message)?,
                timeout: request.timeout.unwrap_or(self.defaults.timeout),
                of_jetstream: false,
            }),
            NatsActionConfig::Stream(stream) => {
                let subject = Template::literal(&format!("$JS.API.STREAM.INFO.{}", stream.value));
                let payload = Payload::Constant(Default::default());
                NatsAction::Request(NatsRequest {
                    message: NatsMessage { subject, payload, headers: Vec::new() },
                    timeout: self.defaults.timeout,
                    of_jetstream: true,
                })
            }
            NatsActionConfig::Subscribe(NatsSubscribeConfig { subject, queue, take }) => {
                let queue = queue.as_ref().map(|queue| queue.value.clone());
                let shared = queue.is_some();
                let subject = self.template(subject)?;
                NatsAction::Take(self.nats_take(take, Source::Subject { subject, queue }, shared, labels))
            }
            NatsActionConfig::Consume(consume) => {
                let shared = consume.consumer.is_some();
                NatsAction::Take(self.nats_take(&consume.take, source(consume), shared, labels))
            }
        })
    }

    fn message(&mut self, message: &NatsMessageConfig) -> Option<NatsMessage> {
        let subject = self.template(&message.subject);
        let payload = self.payload(&message.payload);
        let headers: Vec<_> = message
            .headers
            .iter()
            .map(|(name, value)| Some((name.value.clone(), self.template(value)?)))
            .collect();
        Some(NatsMessage {
            subject: subject?,
            payload: payload?,
            headers: headers.into_iter().collect::<Option<_>>()?,
        })
    }

    fn nats_publish(&mut self, publish: &NatsPublishConfig, labels: &Labels) -> Option<NatsPublish> {
        let mut message = self.message(&publish.message);
        let id = publish.id.as_ref().map(|id| self.template(id));
        if let (Some(message), Some(Some(id))) = (&mut message, id) {
            message.headers.push(("Nats-Msg-Id".to_owned(), id));
        }
        let events = publish.ledger.as_ref().and_then(|ledger| self.published(ledger, labels));
        Some(NatsPublish {
            message: message?,
            acknowledged: publish.stream.is_some(),
            timeout: publish.ack_timeout,
            most_in_flight: publish.max_ack_inflight,
            events,
        })
    }

    fn nats_take(&mut self, take: &TakeConfig, source: Source, shared: bool, labels: &Labels) -> NatsTake {
        NatsTake { source, take: self.take(take, shared, labels) }
    }
}

fn source(consume: &NatsConsumeConfig) -> Source {
    let text = |text: &Option<At<String>>| text.as_ref().map(|text| text.value.clone());
    Source::Stream(Consume {
        stream: consume.stream.value.clone(),
        consumer: text(&consume.consumer),
        subject: text(&consume.subject),
        deliver: match consume.deliver {
            NatsDeliver::Run => Deliver::Run,
            NatsDeliver::New => Deliver::New,
            NatsDeliver::All => Deliver::All,
        },
        acknowledges: consume.ack,
    })
}

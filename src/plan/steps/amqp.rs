//! The step `amqp`, compiled.

use std::sync::Arc;

use super::Steps;
use crate::config::{
    AmqpActionConfig, AmqpAuthConfig, AmqpConfig, AmqpConsumeConfig, AmqpHeaderConfig, AmqpMessageConfig,
    AmqpPublishConfig, AmqpSourceConfig, At, EventMode, PayloadConfig, Problem,
};
use crate::flow::{
    AmqpAction, AmqpHeader, AmqpLook, AmqpMessage, AmqpOwn, AmqpProperties, AmqpPublish, AmqpSource,
    AmqpStep, AmqpTake, AmqpThing,
};
use crate::ids::StepId;
use crate::labels::Labels;
use crate::protocol::amqp::{Auth, HeaderValue, Server, TextProperty};
use crate::template::Template;

/// Of names, keys and properties in bytes.
const LONGEST: usize = 255;

impl Steps<'_> {
    pub(super) fn amqp(&mut self, amqp: &AmqpConfig) -> Option<AmqpStep> {
        let (_, what) = amqp.action.words();
        let (id, labels) = self.labelled(&amqp.bus, &what);
        let server = self.amqp_server(amqp);
        let action = self.amqp_action(&amqp.action, &labels);
        let account = AmqpOwn::account(self.registry, id, labels);
        let bus = self.bus(&amqp.bus, server.as_ref().map(|(_, connection)| *connection), account);
        Some(AmqpStep { bus: bus?, server: server?.0, action: action? })
    }

    /// The server, and the number of the connection that a VU has to it.
    fn amqp_server(&mut self, amqp: &AmqpConfig) -> Option<(Arc<Server>, StepId)> {
        let tls = match &amqp.tls {
            Some(tls) => Some(super::super::target::tls(tls, false, self.files, self.problems)?),
            None => None,
        };
        let auth = amqp.auth.as_ref().map(|auth| match &auth.value {
            AmqpAuthConfig::User(as_who) => {
                Auth::Plain { user: as_who.user.value.clone(), password: as_who.password.value.clone() }
            }
            AmqpAuthConfig::External => Auth::External,
        });
        if let Some(At { place, value: AmqpAuthConfig::External }) = &amqp.auth
            && amqp.tls.as_ref().unwrap_or(&self.defaults.tls).identity.is_none()
        {
            let help = "give `cert` and `key` in the step's `tls`, or in that of `defaults`";
            let message = "`auth: external` without a client certificate";
            self.problems.push(Problem::new(*place, message.to_owned()).help(help));
        }
        let vhost = amqp.vhost.as_ref().map(|vhost| vhost.value.as_str());
        let server = match Server::parse(&amqp.url.value, auth, vhost, tls) {
            Ok(server) => server,
            Err(error) => {
                let message = self.files.redactor.redact(&format!("failed to {error}"));
                self.problems.push(Problem::new(amqp.url.place, message));
                return None;
            }
        };
        self.files.hosts.without_http(server.host(), server.port(), amqp.url.place);
        let known = self.files.amqp.iter().position(|known| **known == server);
        let at = known.unwrap_or_else(|| {
            self.files.amqp.push(Arc::new(server));
            self.files.amqp.len() - 1
        });
        Some((Arc::clone(&self.files.amqp[at]), StepId(at as u32)))
    }

    fn amqp_action(&mut self, action: &AmqpActionConfig, labels: &Labels) -> Option<AmqpAction> {
        let look = |at| AmqpAction::Look(AmqpLook { at, timeout: self.defaults.timeout });
        Some(match action {
            AmqpActionConfig::Publish(publish) => AmqpAction::Publish(self.amqp_publish(publish, labels)?),
            AmqpActionConfig::Consume(consume) => AmqpAction::Take(self.amqp_take(consume, labels)?),
            AmqpActionConfig::Queue(queue) => look(AmqpThing::Queue(queue.value.clone())),
            AmqpActionConfig::Exchange(exchange) => look(AmqpThing::Exchange(exchange.value.clone())),
        })
    }

    fn amqp_publish(&mut self, publish: &AmqpPublishConfig, labels: &Labels) -> Option<AmqpPublish> {
        let message = self.amqp_message(&publish.message);
        let events = publish.ledger.as_ref().and_then(|ledger| self.published(ledger, labels));
        Some(AmqpPublish {
            message: message?,
            confirmed: publish.confirm,
            mandatory: publish.mandatory,
            timeout: publish.ack_timeout,
            most_in_flight: publish.max_in_flight,
            events,
        })
    }

    pub(super) fn amqp_message(&mut self, message: &AmqpMessageConfig) -> Option<AmqpMessage> {
        let exchange = self.short_or_empty(message.exchange.as_ref());
        let routing_key = self.short_or_empty(message.routing_key.as_ref());
        let payload = self.payload(&message.payload);
        let properties = self.amqp_properties(message);
        let headers: Vec<_> = message
            .headers
            .iter()
            .map(|(name, value)| Some((self.short_name(name)?, self.amqp_header(value)?)))
            .collect();
        Some(AmqpMessage {
            exchange: exchange?,
            routing_key: routing_key?,
            payload: payload?,
            properties: properties?,
            headers: headers.into_iter().collect::<Option<_>>()?,
        })
    }

    fn amqp_header(&mut self, header: &AmqpHeaderConfig) -> Option<AmqpHeader> {
        Some(match header {
            AmqpHeaderConfig::Text(text) => AmqpHeader::Text(self.template(text)?),
            AmqpHeaderConfig::Integer(number) => AmqpHeader::Constant(HeaderValue::Integer(*number)),
            AmqpHeaderConfig::Float(number) => AmqpHeader::Constant(HeaderValue::Float(*number)),
            AmqpHeaderConfig::Boolean(value) => AmqpHeader::Constant(HeaderValue::Boolean(*value)),
        })
    }

    fn amqp_properties(&mut self, message: &AmqpMessageConfig) -> Option<AmqpProperties> {
        let given = &message.properties;
        let mut texts = Vec::new();
        let of_payload = match &message.payload {
            PayloadConfig::Json(_) => Some("application/json"),
            PayloadConfig::CloudEvent(event) if event.mode == EventMode::Structured => {
                Some("application/cloudevents+json")
            }
            _ => None,
        };
        if let (None, Some(content_type)) = (&given.content_type, of_payload) {
            texts.push((TextProperty::ContentType, Template::literal(content_type)));
        }
        let mut all_well = true;
        for (property, text) in [
            (TextProperty::ContentType, &given.content_type),
            (TextProperty::ContentEncoding, &given.content_encoding),
            (TextProperty::CorrelationId, &given.correlation_id),
            (TextProperty::ReplyTo, &given.reply_to),
            (TextProperty::Expiration, &given.expiration),
            (TextProperty::MessageId, &given.message_id),
            (TextProperty::Type, &given.kind),
            (TextProperty::UserId, &given.user_id),
            (TextProperty::AppId, &given.app_id),
        ] {
            let Some(text) = text else { continue };
            match self.short_template(text) {
                Some(template) => texts.push((property, template)),
                None => all_well = false,
            }
        }
        let timestamp = match &given.timestamp {
            Some(text) => Some(self.template(text)?),
            None => None,
        };
        let (persistent, priority) = (given.persistent, given.priority);
        all_well.then_some(AmqpProperties { texts, persistent, priority, timestamp })
    }

    fn amqp_take(&mut self, consume: &AmqpConsumeConfig, labels: &Labels) -> Option<AmqpTake> {
        let source = match &consume.source {
            AmqpSourceConfig::Queue(queue) => AmqpSource::Queue(self.short_template(queue)?),
            AmqpSourceConfig::Exchange { name, routing_key } => AmqpSource::Exchange {
                name: self.short_template(name)?,
                routing_key: self.short_or_empty(routing_key.as_ref())?,
            },
        };
        let shared = matches!(source, AmqpSource::Queue(_));
        let (prefetch, acknowledges) = (consume.prefetch, consume.ack);
        Some(AmqpTake { source, prefetch, acknowledges, take: self.take(&consume.take, shared, labels) })
    }

    fn short_or_empty(&mut self, text: Option<&At<String>>) -> Option<Template> {
        text.map_or_else(|| Some(Template::literal("")), |text| self.short_template(text))
    }

    /// What is known of it when the plan is loaded fits.
    fn short_template(&mut self, text: &At<String>) -> Option<Template> {
        let template = self.template(text)?;
        self.refuse_long(template.constant().unwrap_or_default(), text)?;
        Some(template)
    }

    fn short_name(&mut self, name: &At<String>) -> Option<String> {
        self.refuse_long(&name.value, name)?;
        Some(name.value.clone())
    }

    fn refuse_long(&mut self, text: &str, at: &At<String>) -> Option<()> {
        if text.len() <= LONGEST {
            return Some(());
        }
        let message = format!("a text of {} bytes, where AMQP has room for {LONGEST}", text.len());
        self.problems.push(Problem::new(at.place, message));
        None
    }
}

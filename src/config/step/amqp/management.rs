//! A message that RabbitMQ's management API publishes: the body of an `http` step.

use super::super::super::At;
use super::super::super::fields::{Element, Fields};
use super::super::super::value::Text;
use super::send::{AmqpMessageConfig, message};

#[derive(Debug, Clone)]
pub struct RabbitmqConfig {
    /// Default `/`.
    pub vhost: Option<At<String>>,
    pub message: AmqpMessageConfig,
}

impl Element for RabbitmqConfig {
    const NAME: &'static str = "rabbitmq";
    const HELP: &'static str =
        "A message that RabbitMQ's management API publishes; `url` is where the API is";

    fn fields(f: &mut Fields<'_>) -> Option<Self> {
        let vhost = f.optional::<At<Text>>("vhost", "The virtual host; default `/`");
        let message = message(f);
        if let Some(exchange) = message.as_ref().and_then(|message| message.exchange.as_ref())
            && exchange.value.contains("{{")
        {
            let help = "it is part of the URL, and so of the label `name`: name the exchange".to_owned();
            f.problem("exchange", "no template can stand here", help);
        }
        Some(RabbitmqConfig { vhost: vhost?.map(|vhost| vhost.map(|text| text.0)), message: message? })
    }
}

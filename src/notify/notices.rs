//! What rules have to say, for Alertmanagers.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use rustls::ClientConfig;

use super::{Address, Alert, Notifier, Options};
use crate::family::Family;
use crate::labels::Labels;
use crate::rules::{Notice, annotation};

/// What rules say, on its way to Alertmanagers.
#[derive(Debug)]
pub struct Notices {
    notifier: Notifier,
    /// Where the query API is served; empty if it is not.
    external_url: String,
}

impl Notices {
    /// To be called within a tokio runtime, in which it sends.
    pub fn start(alertmanagers: &[Address], tls: Option<Arc<ClientConfig>>, external_url: String) -> Self {
        let notifier = Notifier::start(alertmanagers.to_vec(), &Options { tls, ..Options::default() });
        Notices { notifier, external_url }
    }

    /// Never waits.
    pub fn send(&mut self, at_ms: i64, notices: Vec<Notice>) {
        let told = notices.into_iter().map(|notice| self.alert(notice)).collect();
        self.notifier.send(at_ms, told);
    }

    pub fn families(&self) -> Vec<Family> {
        self.notifier.stats().families(&Labels::empty()).into_iter().collect()
    }

    /// Resolves what still fires.
    pub async fn close(self) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let stats = self.notifier.close(i64::try_from(now.as_millis()).unwrap_or(i64::MAX)).await;
        tracing::debug!(?stats, "the Alertmanagers were told of the end");
    }

    fn alert(&self, notice: Notice) -> Alert {
        let Notice { alert, ends_at_ms, expr } = notice;
        let generator_url = match self.external_url.as_str() {
            "" => String::new(),
            url => format!("{url}{}", annotation::table_link_path(&expr)),
        };
        Alert {
            starts_at_ms: alert.fired_at_ms.unwrap_or(alert.active_at_ms),
            labels: alert.labels,
            annotations: alert.annotations,
            ends_at_ms,
            generator_url,
        }
    }
}

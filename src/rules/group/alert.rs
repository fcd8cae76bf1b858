//! One alert: a label set for which an alerting rule's expression holds, or held.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use super::whole_ms;
use crate::labels::Labels;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AlertState {
    /// It fired, and does not any more.
    Inactive,
    /// The expression holds, but not as long as `for` yet.
    Pending,
    Firing,
}

/// All times in milliseconds since the Unix epoch.
#[derive(Debug, Clone, PartialEq)]
pub struct ActiveAlert {
    /// With `alertname`, without `__name__`; what identifies it within its rule.
    pub labels: Labels,
    /// An annotation may be empty.
    pub annotations: BTreeMap<String, String>,
    /// The expression's, when it held last.
    pub value: f64,
    pub state: AlertState,
    /// Since when the expression holds without a break.
    pub active_at_ms: i64,
    pub fired_at_ms: Option<i64>,
    /// Only of an inactive one.
    pub resolved_at_ms: Option<i64>,
    /// Since when only `keep_firing_for` keeps it firing.
    pub keep_firing_since_ms: Option<i64>,
    /// When an Alertmanager was told last.
    pub last_sent_at_ms: Option<i64>,
}

/// An alert as an Alertmanager is to be told of it; `startsAt` is when it fired.
#[derive(Debug, Clone, PartialEq)]
pub struct Notice {
    pub alert: ActiveAlert,
    /// When it was resolved; of one that fires, until when that may be believed without another notice.
    pub ends_at_ms: i64,
    /// The rule's expression, for `generatorURL`.
    pub expr: String,
}

impl AlertState {
    pub fn as_str(self) -> &'static str {
        match self {
            AlertState::Inactive => "inactive",
            AlertState::Pending => "pending",
            AlertState::Firing => "firing",
        }
    }
}

impl fmt::Display for AlertState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl ActiveAlert {
    /// Pending or firing.
    pub fn is_active(&self) -> bool {
        self.state != AlertState::Inactive
    }

    pub(super) fn needs_sending(&self, at_ms: i64, resend_delay: Duration) -> bool {
        if self.state == AlertState::Pending {
            return false;
        }
        let Some(last_sent_at_ms) = self.last_sent_at_ms else { return true };
        self.resolved_at_ms.is_some_and(|resolved| resolved > last_sent_at_ms)
            || last_sent_at_ms + whole_ms(resend_delay) < at_ms
    }
}

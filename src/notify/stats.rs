//! What the notifier did, for our own `/metrics`: Prometheus' `prometheus_notifications_*` under our name.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::sender::Sender;
use crate::family::{Family, FamilyKind};
use crate::labels::Labels;

/// Counters as they stood at one moment.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct NotifyStats {
    pub alertmanagers: Vec<AlertmanagerStats>,
}

/// Of one Alertmanager; in alerts, not in requests.
#[derive(Debug, Clone, PartialEq)]
pub struct AlertmanagerStats {
    /// The URL of its API, without user and password.
    pub url: String,
    pub sent: u64,
    /// Of requests that failed; an alert counts each time.
    pub errors: u64,
    /// Never delivered: refused, or lost to a full queue or to the end.
    pub dropped: u64,
    pub queued: usize,
    pub queue_capacity: usize,
}

impl NotifyStats {
    pub(super) fn of(senders: &[Arc<Sender>]) -> NotifyStats {
        let of = |sender: &Arc<Sender>| {
            let (queued, dropped) = sender.queue.counts();
            AlertmanagerStats {
                url: sender.address.shown(),
                sent: sender.sent.load(Ordering::Relaxed),
                errors: sender.errors.load(Ordering::Relaxed),
                dropped,
                queued,
                queue_capacity: sender.capacity,
            }
        };
        NotifyStats { alertmanagers: senders.iter().map(of).collect() }
    }

    /// `loadgate_notify_*`, each series with `labels` beside its own.
    pub fn families(&self, labels: &Labels) -> Vec<Family> {
        let new = |name: &str, kind, help: &str| Family::new(name, kind, help);
        let mut sent =
            new("loadgate_notify_sent_total", FamilyKind::Counter, "Alerts sent to an Alertmanager.");
        let mut errors = new(
            "loadgate_notify_errors_total",
            FamilyKind::Counter,
            "Alerts in requests to an Alertmanager that failed; those tried again count again.",
        );
        let mut dropped = new(
            "loadgate_notify_dropped_total",
            FamilyKind::Counter,
            "Alerts that an Alertmanager was never told: refused, or lost to a full queue or to the end.",
        );
        let mut queued = new(
            "loadgate_notify_queue_length",
            FamilyKind::Gauge,
            "Alerts that wait to be sent to an Alertmanager.",
        );
        let mut capacity = new(
            "loadgate_notify_queue_capacity",
            FamilyKind::Gauge,
            "Alerts that may wait to be sent to an Alertmanager.",
        );
        for one in &self.alertmanagers {
            let labels = labels.with("alertmanager", &one.url);
            sent.push(labels.clone(), one.sent as f64);
            errors.push(labels.clone(), one.errors as f64);
            dropped.push(labels.clone(), one.dropped as f64);
            queued.push(labels.clone(), one.queued as f64);
            capacity.push(labels, one.queue_capacity as f64);
        }
        vec![sent, errors, dropped, queued, capacity]
    }
}

//! The shipped dashboards, `grafana/dashboards/*.json`: the one description of what to look at, for Grafana, the page and
//! the report.

/// A dashboard's file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shipped {
    /// Its `uid`.
    pub uid: &'static str,
    pub json: &'static str,
}

/// In the order in which they are shown.
pub const SHIPPED: [Shipped; 5] = [
    Shipped { uid: "loadgate-slo", json: include_str!("../../grafana/dashboards/loadgate-slo.json") },
    Shipped { uid: "loadgate-load", json: include_str!("../../grafana/dashboards/loadgate-load.json") },
    Shipped {
        uid: "loadgate-websocket",
        json: include_str!("../../grafana/dashboards/loadgate-websocket.json"),
    },
    Shipped { uid: "loadgate-target", json: include_str!("../../grafana/dashboards/loadgate-target.json") },
    Shipped { uid: "loadgate-runs", json: include_str!("../../grafana/dashboards/loadgate-runs.json") },
];

impl Shipped {
    pub fn of(uid: &str) -> Option<Shipped> {
        SHIPPED.into_iter().find(|dashboard| dashboard.uid == uid)
    }
}

//! The shipped dashboards, `grafana/dashboards/*.json`: the one description of what to look at, for Grafana, the page and
//! the report.
//!
//! Of Grafana's JSON there is what the page renders, and nothing else: whatever a dashboard has beyond it is refused
//! when it is read, so that no panel looks different here and there.

/// Closed sets of words.
macro_rules! words {
    ($($name:ident { $($word:ident),+ $(,)? })+) => {$(
        #[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
        #[serde(rename_all = "camelCase")]
        pub enum $name { $($word),+ }
    )+};
}

mod board;
mod field;
mod interpolate;
mod options;
mod panel;
mod target;
mod transformation;
mod variable;

pub use board::{Annotation, Annotations, Dashboard, Link, Templating, Time};
pub use field::{Custom, FieldConfig, Mapping, Override, Threshold, Thresholds};
pub use interpolate::{Chosen, Scope};
pub use options::View;
pub use panel::{GridPos, Panel};
pub use target::{DataSource, Format, Target};
pub use transformation::Transformation;
pub use variable::Variable;

/// A dashboard's file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shipped {
    /// Its `uid`.
    pub uid: &'static str,
    pub json: &'static str,
}

/// In the order in which they are shown.
pub const SHIPPED: [Shipped; 6] = [
    Shipped { uid: "loadgate-slo", json: include_str!("../../grafana/dashboards/loadgate-slo.json") },
    Shipped { uid: "loadgate-load", json: include_str!("../../grafana/dashboards/loadgate-load.json") },
    Shipped {
        uid: "loadgate-websocket",
        json: include_str!("../../grafana/dashboards/loadgate-websocket.json"),
    },
    Shipped { uid: "loadgate-events", json: include_str!("../../grafana/dashboards/loadgate-events.json") },
    Shipped { uid: "loadgate-target", json: include_str!("../../grafana/dashboards/loadgate-target.json") },
    Shipped { uid: "loadgate-runs", json: include_str!("../../grafana/dashboards/loadgate-runs.json") },
];

impl Shipped {
    pub fn of(uid: &str) -> Option<Shipped> {
        SHIPPED.into_iter().find(|dashboard| dashboard.uid == uid)
    }

    /// # Errors
    /// Where the file is not of the subset, and what was expected there.
    pub fn read(self) -> Result<Dashboard, serde_json::Error> {
        serde_json::from_str(self.json)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shipped_dashboard_is_of_the_subset_and_has_the_uid_of_its_file() {
        for shipped in SHIPPED {
            match shipped.read() {
                Ok(dashboard) => assert_eq!(dashboard.uid, shipped.uid),
                Err(error) => panic!("{}: {error}", shipped.uid),
            }
        }
    }

    #[test]
    fn what_the_page_does_not_render_is_refused() {
        let dashboard = |panel: &str| {
            let text = format!(
                r#"{{"id":null,"uid":"x","title":"x","schemaVersion":42,"panels":[
                    {{"id":1,"type":"stat","title":"t","gridPos":{{"h":4,"w":6,"x":0,"y":0}}{panel}}}]}}"#
            );
            serde_json::from_str::<Dashboard>(&text).map(|_| ()).map_err(|error| error.to_string())
        };
        assert_eq!(dashboard(""), Ok(()));
        assert_eq!(
            dashboard(r#","options":{"graphMode":"area","reduceOptions":{"calcs":["lastNotNull"]}}"#),
            Ok(())
        );
        for (panel, expected) in [
            (r#","libraryPanel":{}"#, "unknown field `libraryPanel`"),
            (r#","options":{"graphMode":"line"}"#, "unknown variant `line`"),
            (r#","options":{"showHeader":true}"#, "unknown field `showHeader`"),
            (r#","fieldConfig":{"defaults":{"custom":{"drawStyle":"steps"}}}"#, "unknown variant `steps`"),
            (
                r#","fieldConfig":{"defaults":{},"overrides":[{"matcher":{"id":"byName","options":"a"},
                    "properties":[{"id":"custom.lineStyle","value":1}]}]}"#,
                "`custom.lineStyle` cannot be overridden: unknown field `lineStyle`",
            ),
            (r#","transformations":[{"id":"groupBy","options":{}}]"#, "unknown variant `groupBy`"),
        ] {
            let error = dashboard(panel).unwrap_err();
            assert!(error.contains(expected), "{panel}: {error}");
        }
    }
}

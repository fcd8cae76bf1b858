//! What clients ask to find out whom they talk to.

use axum::response::IntoResponse;
use serde::Serialize;

use super::answer::Success;

/// Whose API and PromQL this is. Clients read the features they may use from it: Grafana, for one, chooses
/// endpoints by it.
const PROMETHEUS: &str = "3.0.0";

pub(super) async fn build_info() -> impl IntoResponse {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct BuildInfo {
        version: &'static str,
        revision: &'static str,
        branch: &'static str,
        build_user: &'static str,
        build_date: &'static str,
        go_version: &'static str,
    }
    Success::of(&BuildInfo {
        version: PROMETHEUS,
        revision: concat!("loadgate ", env!("CARGO_PKG_VERSION")),
        branch: "",
        build_user: "",
        build_date: "",
        go_version: "",
    })
}

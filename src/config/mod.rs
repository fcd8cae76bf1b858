//! YAML to checked types. Every value that a later layer may still refuse carries its place in the file.
//!
//! ```text
//! text ─yaml─> Node tree ─merge─> with the profile ─vars─> filled in ─fields─> PlanConfig
//! ```
//!
//! The types of the plan say themselves how they are read (`Element`, `Value` in `fields`); the same lines make the
//! JSON Schema. Nothing here opens a file (but [`Tokens::read`]), reads the environment or resolves a name of the plan.

mod action;
mod chaos;
mod daemon;
mod data;
mod defaults;
mod executor;
pub(crate) mod fields;
mod hooks;
mod later;
mod load;
mod merge;
mod metric;
mod outline;
pub(crate) mod node;
mod place;
mod plan;
mod problem;
mod redact;
mod scenario;
pub(crate) mod schema;
mod slo;
mod step;
pub(crate) mod suggest;
mod target;
#[cfg(test)]
mod tests;
mod threshold;
mod value;
mod vars;
mod verify;
pub(crate) mod yaml;

pub use action::*;
pub use chaos::{FaultConfig, RecoveryConfig};
pub use daemon::{
    DaemonConfig, DaemonLimits, Missed, OnDiskError, Overlap, PrometheusConfig, ScheduleConfig, Scope,
    TimeZone, Tokens, TokensError, check_listen,
};
pub use data::{DataConfig, DataSource, OnEndConfig, PickConfig};
pub use defaults::{Defaults, IdentityConfig, Limits, TlsConfig, TlsVersion};
pub use executor::ExecutorConfig;
pub use hooks::HooksConfig;
pub use load::{LoadOptions, Loaded, load, read};
pub use metric::{MetricConfig, MetricKind};
pub use outline::{DeclaredVariable, PlanOutline, outline};
pub use place::{At, Place};
pub use plan::PlanConfig;
pub use problem::{Problem, Problems, Source};
pub use redact::Redactor;
pub use scenario::ScenarioConfig;
pub use schema::schema;
pub use slo::SloConfig;
pub use step::*;
pub use target::{ProbeConfig, ScrapeConfig};
pub use threshold::{Aggregation, Comparison, MetricSelector, ThresholdConfig};
pub use value::duration::parse_duration;
pub use verify::{DemandsConfig, DuringConfig, QuestionConfig, VerifyConfig, WantedConfig};
pub(crate) use yaml::MAX_TEXT_BYTES;

/// Whether a run may be tagged with this name: tags become labels.
///
/// # Errors
/// When it is no label's name, or a label that Prometheus or we set ourselves.
pub fn check_tag_name(name: &str) -> Result<(), String> {
    use value::{Label, Rule};
    match Label::refused(name) {
        Some(why) => Err(why),
        None if Label::holds(name) => Ok(()),
        None => Err(format!("`{name}` is not {}", Label::EXPECTED)),
    }
}

//! A run as people and machines read it: progress while it lasts, then text and JSON.
//!
//! Nothing here decides: verdict, gates and doubts come as they are in [`Finished`]. Progress goes to
//! stderr and the summary to stdout, so that a summary can be piped while the progress is watched.

mod causes;
mod clean;
mod display;
mod finished;
mod gate_json;
mod html;
mod json;
mod junit;
mod number;
mod objective;
mod observed;
mod paint;
mod progress;
mod rfc3339;
mod samples;
mod summary;
mod trend_stat;
mod vegeta;

#[cfg(test)]
mod fixture;

pub use display::{Display, Format, Layout, headline, line, target_line};
pub use finished::{FaultReport, Finished, HookReport, Probe, Warmup};
pub use html::{Material, html, run_json};
pub use json::summary as json_summary;
pub use junit::junit;
pub use progress::{Phase, Progress, ProgressProbe, ScenarioProgress, Traffic, Waiting};
pub use samples::{SampleFormat, SampleLines};
pub use summary::{SummaryOptions, text, verdict_lines};
pub use trend_stat::{TrendStat, TrendStatError};
pub use vegeta::vegeta;

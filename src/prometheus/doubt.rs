//! Why Prometheus' word is not to be had.

use std::fmt;
use std::time::Duration;

use crate::time::span;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Doubt {
    /// What was tried, and what came of it.
    Unreachable(String),
    NotLoaded {
        server: String,
        alert: String,
        /// Where the plan has it.
        file: String,
        /// An alert of this name is there, with another expression.
        differs: bool,
    },
    /// It cannot be evaluated there.
    Failing { server: String, alert: String, error: String },
    /// The run's final values did not arrive, or were not judged, in time.
    NotSeen { server: String, waited: Duration, unseen: Unseen },
}

/// How far the final values came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unseen {
    /// Where the run's metrics are served.
    NothingScraped {
        metrics_url: String,
    },
    NotFinal,
    /// A group with rules of the plan.
    NotEvaluated {
        group: String,
    },
}

impl Doubt {
    /// What it is about, without the numbers of one run.
    pub fn subject(&self) -> String {
        match self {
            Doubt::Unreachable(_) => "Prometheus".to_owned(),
            Doubt::NotLoaded { alert, .. } | Doubt::Failing { alert, .. } => {
                format!("alert {alert} in Prometheus")
            }
            Doubt::NotSeen { .. } => "final values in Prometheus".to_owned(),
        }
    }
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Doubt::Unreachable(error) => write!(f, "Prometheus could not be asked: {error}"),
            Doubt::NotLoaded { server, alert, file, differs: false } => write!(
                f,
                "Prometheus ({server}) has not loaded the alert `{alert}`: name {file} in its rule_files, and reload it"
            ),
            Doubt::NotLoaded { server, alert, file, differs: true } => write!(
                f,
                "Prometheus ({server}) has the alert `{alert}` with another expression: load {file} as it is now"
            ),
            Doubt::Failing { server, alert, error } => {
                write!(f, "Prometheus ({server}) fails to evaluate the alert `{alert}`: {error}")
            }
            Doubt::NotSeen { server, waited, unseen } => {
                let waited = span(*waited);
                match unseen {
                    Unseen::NothingScraped { metrics_url } => write!(
                        f,
                        "Prometheus ({server}) has no series of this run after {waited}: does it scrape {metrics_url}?"
                    ),
                    Unseen::NotFinal => write!(
                        f,
                        "Prometheus ({server}) had not seen the run's final values after {waited}, 3 times its scrape and evaluation intervals"
                    ),
                    Unseen::NotEvaluated { group } => write!(
                        f,
                        "Prometheus ({server}) had not evaluated the group `{group}` on the run's final values after {waited}, 3 times its scrape and evaluation intervals"
                    ),
                }
            }
        }
    }
}

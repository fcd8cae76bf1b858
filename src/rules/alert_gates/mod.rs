//! Alerting rules as gates: which of them are, what each looks back at, and what they came to in a run. Pure.

mod rule;
#[cfg(test)]
mod truth;
mod watch;
mod window;

pub use rule::{AlertRule, AlertRules, Origin, gravity};
pub use watch::{Abort, AlertWatch, RuleNow, states};
pub use window::longest_reach;

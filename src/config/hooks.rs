//! `hooks`: what is done when the verdict is known.

use super::fields::{Element, Fields};
use super::{ActionConfig, At};

#[derive(Debug, Clone, Default)]
pub struct HooksConfig {
    /// When the verdict is failed, inconclusive, stopped or preflight failed.
    pub on_failure: Vec<At<ActionConfig>>,
    /// Whatever the verdict is.
    pub always: Vec<At<ActionConfig>>,
}

impl Element for HooksConfig {
    const NAME: &'static str = "hooks";
    const HELP: &'static str = "What is done when the verdict is known";

    fn fields(f: &mut Fields<'_>) -> Option<Self> {
        let on_failure = f.or_empty("on_failure", "Unless the verdict is passed; before `always`");
        let always = f.or_empty("always", "Whatever the verdict is");
        Some(HooksConfig { on_failure: on_failure?, always: always? })
    }
}

//! Steps that steer, compiled.

use super::Steps;
use crate::config::{GroupConfig, IfConfig, LoopConfig, RepeatConfig};
use crate::flow::{Group, If, Repeat, Until};
use crate::metric;

impl Steps<'_> {
    pub(super) fn group(&mut self, config: &GroupConfig) -> Group {
        let group = format!("{}::{}", self.group, config.name.value);
        let outer_group = std::mem::replace(&mut self.group, group);
        let labels = self.labels.with("group", &self.group);
        let outer_labels = std::mem::replace(&mut self.labels, labels);
        let series = self.registry.intern(metric::GROUP_DURATION, &self.labels);
        let flow = self.flow(&config.flow);
        (self.group, self.labels) = (outer_group, outer_labels);
        Group { series, flow }
    }

    pub(super) fn repeat(&mut self, repeat: &RepeatConfig) -> Option<Repeat> {
        let until = match &repeat.until {
            LoopConfig::Times(times) => Until::Times(*times),
            LoopConfig::While(condition) => Until::While(self.expression(condition)?),
        };
        Some(Repeat { until, flow: self.flow(&repeat.flow) })
    }

    pub(super) fn branch(&mut self, branch: &IfConfig) -> Option<If> {
        let when = self.expression(&branch.when);
        let (then, otherwise) = (self.flow(&branch.then), self.flow(&branch.otherwise));
        Some(If { when: when?, then, otherwise })
    }
}

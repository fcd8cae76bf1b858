//! Steps that steer, compiled.

use std::time::Duration;

use super::Steps;
use crate::config::{ChoiceConfig, GroupConfig, IfConfig, RepeatConfig};
use crate::flow::{Choose, Group, If, Pace, Repeat};
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
        let condition = match &repeat.condition {
            Some(condition) => Some(self.expression(condition)?),
            None => None,
        };
        let pace = repeat
            .every
            .map(|every| Pace { every, lag: self.registry.intern(metric::ROUND_LAG, &self.labels) });
        Some(Repeat {
            times: repeat.times.unwrap_or(u64::MAX),
            condition,
            lasting: repeat.lasting.unwrap_or(Duration::MAX),
            pace,
            flow: self.flow(&repeat.flow),
        })
    }

    pub(super) fn choose(&mut self, choices: &[ChoiceConfig]) -> Choose {
        Choose::new(choices.iter().map(|choice| (choice.weight, self.flow(&choice.flow))))
    }

    pub(super) fn branch(&mut self, branch: &IfConfig) -> Option<If> {
        let when = self.expression(&branch.when);
        let (then, otherwise) = (self.flow(&branch.then), self.flow(&branch.otherwise));
        Some(If { when: when?, then, otherwise })
    }
}

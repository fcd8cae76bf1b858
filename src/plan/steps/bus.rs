//! What steps of event buses have in common, compiled.

use super::Steps;
use super::parts::reads;
use crate::config::{BusConfig, TakeConfig};
use crate::flow::{Account, Bus, Take};
use crate::ids::StepId;
use crate::labels::Labels;

impl Steps<'_> {
    /// The number and the labels of a step. `what` it does, as it was written, is its name where the plan gives none.
    pub(super) fn labelled(&mut self, config: &BusConfig, what: &str) -> (StepId, Labels) {
        let id = self.new_id();
        let name =
            config.name.as_ref().map_or_else(|| self.files.redactor.redact(what), |name| name.value.clone());
        (id, self.tagged(&config.tags).with("name", &name))
    }

    /// After what it does, whose templates may not see what it captures. Without a `connection` only for its problems.
    pub(super) fn bus<S>(
        &mut self,
        config: &BusConfig,
        connection: Option<StepId>,
        account: Account<S>,
    ) -> Option<Bus<S>> {
        let checks = self.own_checks(&config.checks);
        let record = self.own_records(&config.record);
        let capture = self.own_capture(&config.capture);
        self.exchanged = true;
        let own = reads(&checks, &record, &capture).anything
            || !config.checks.is_empty()
            || !config.record.is_empty()
            || !config.capture.is_empty();
        Some(Bus {
            connection: connection?,
            connect_timeout: config.connect_timeout.unwrap_or(self.defaults.timeout),
            account,
            observed: own || self.kept.exchange.anything,
            checks,
            capture,
            record,
        })
    }

    pub(super) fn take(&mut self, take: &TakeConfig, shared: bool, labels: &Labels) -> Take {
        let ledger = take.ledger.as_ref();
        Take {
            lasting: take.lasting,
            count: take.count,
            timeout: take.timeout.unwrap_or(self.defaults.timeout),
            events: ledger.and_then(|ledger| self.received(ledger, shared, take.wait, labels)),
        }
    }
}

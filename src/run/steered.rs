//! A run that is told to pause, to go on, or to send another load.

use std::sync::Arc;

use super::control::{Request, Wish};
use super::{Listener, Run, ScaleLimits};
use crate::executor::{Executor, ScaleTo};
use crate::ids::ScenarioId;
use crate::report::Phase;
use crate::scheduler::Load;

impl Run {
    /// Everybody who wants to know the phase learns of it, once.
    pub(super) fn enter(&mut self, phase: Phase, listener: &mut dyn Listener) {
        self.phase = phase;
        if self.told.replace(phase) != Some(phase) {
            if let Some(control) = &self.control {
                control.enter(phase);
            }
            listener.phase(phase);
        }
    }

    /// Does what is asked for, if it can be done.
    pub(super) async fn obey(&mut self, request: Request, load: &mut Load, listener: &mut dyn Listener) {
        let done = match request.wish {
            Wish::Pause => self.pause(load).await,
            Wish::Resume => resume(load).await,
            Wish::Scale { scenario, to } => self.scale(scenario.as_deref(), to, load).await,
        };
        if done.is_ok() {
            self.keep_time(load);
            self.enter(self.phase_of(load), listener);
            listener.progress(&self.progress(self.phase, self.elapsed, load));
        }
        // Whoever asked may have lost patience.
        let _ = request.answer.send(done);
    }

    /// What the run does now that its load is there.
    pub(super) fn phase_of(&self, load: &Load) -> Phase {
        match self.is_sending(load) {
            _ if load.time().is_paused() => Phase::Paused,
            true => Phase::Running,
            false => Phase::Draining,
        }
    }

    fn is_sending(&self, load: &Load) -> bool {
        let elapsed = load.elapsed();
        self.spans(load, elapsed).iter().any(|span| elapsed < span.end)
    }

    async fn pause(&self, load: &mut Load) -> Result<(), String> {
        if load.time().is_paused() {
            return Err("the run is paused already".to_owned());
        }
        if !self.is_sending(load) {
            return Err("no iteration begins any more: there is nothing to pause".to_owned());
        }
        load.pause().await;
        tracing::info!("paused: no iteration begins until the run is resumed");
        Ok(())
    }

    async fn scale(&self, scenario: Option<&str>, to: ScaleTo, load: &mut Load) -> Result<(), String> {
        let id = self.scenario(scenario)?;
        let name = &self.plan.scenarios[id.index()].name;
        let told = |why: String| format!("`{name}` cannot be scaled: {why}");
        let scaled = load.scaled(id, to).map_err(told)?;
        let limits = self.control.as_ref().map(|control| control.limits).unwrap_or_default();
        self.check_limits(id, &*scaled, limits, load).map_err(told)?;
        tracing::info!("`{name}` is scaled: {}", scaled.describe());
        load.rescale(id, Arc::from(scaled)).await;
        Ok(())
    }

    fn scenario(&self, name: Option<&str>) -> Result<ScenarioId, String> {
        let scenarios = &self.plan.scenarios;
        let all = || scenarios.iter().map(|each| &*each.name).collect::<Vec<_>>().join(", ");
        let found = match name {
            Some(name) => scenarios.iter().find(|each| &*each.name == name),
            None if scenarios.len() == 1 => scenarios.first(),
            None => return Err(format!("the plan has several scenarios: say which one of {}", all())),
        };
        let unknown =
            || format!("there is no scenario `{}`: expected one of {}", name.unwrap_or_default(), all());
        found.map(|scenario| scenario.id).ok_or_else(unknown)
    }

    /// Of all scenarios together; the plan itself is within them.
    fn check_limits(
        &self,
        id: ScenarioId,
        scaled: &dyn Executor,
        limits: ScaleLimits,
        load: &Load,
    ) -> Result<(), String> {
        let vus = |executor: &dyn Executor| executor.model().max_vus();
        let ours =
            |at: usize| -> &dyn Executor { if at == id.index() { scaled } else { &**load.executor(at) } };
        let scenarios = || 0..self.plan.scenarios.len();
        let wanted: u64 = scenarios().map(|at| vus(ours(at))).fold(0, u64::saturating_add);
        let allowed = self.plan.max_vus().max(limits.max_vus.unwrap_or(0));
        if wanted > allowed && vus(scaled) > vus(&**load.executor(id.index())) {
            return Err(format!(
                "it would come to {wanted} VUs, of all scenarios together, and at most {allowed} are allowed"
            ));
        }
        let rate = |executor: &dyn Executor| executor.arrivals_per_sec();
        let planned: f64 = self.plan.scenarios.iter().map(|each| rate(&*each.executor)).sum();
        let wanted: f64 = scenarios().map(|at| rate(ours(at))).sum();
        let allowed = limits.max_rate.map_or(f64::INFINITY, |limit| limit.max(planned));
        if wanted > allowed && rate(scaled) > rate(&**load.executor(id.index())) {
            return Err(format!(
                "it would come to {wanted:.2} iterations/s, of all scenarios together, and at most {allowed} are allowed"
            ));
        }
        Ok(())
    }
}

async fn resume(load: &mut Load) -> Result<(), String> {
    if !load.time().is_paused() {
        return Err("the run is not paused".to_owned());
    }
    load.resume().await;
    tracing::info!("resumed");
    Ok(())
}

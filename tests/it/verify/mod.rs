//! Verifications of whole runs: against real databases, services and series, and servers that mean ill.

mod hostile;
mod http;
mod metrics;
mod postgres;
mod redis;

use loadgate::report::{SummaryOptions, TrendStat, json_summary, junit, text};
use loadgate::rules::VerificationOutcome;

use crate::stage::{Ran, run};

/// A plan that sends next to nothing and verifies this, indented as a list.
fn plan(verify: &str) -> String {
    plan_with("- sleep: 10ms", verify)
}

fn plan_with(flow: &str, verify: &str) -> String {
    let indented = |text: &str, by: &str| text.trim().replace('\n', &format!("\n{by}"));
    format!(
        "name: verified\nscenarios:\n  s:\n    executor: per-vu-iterations\n    vus: 1\n    iterations: 1\n    \
         flow:\n      {}\nverify:\n  {}\n",
        indented(flow, "      "),
        indented(verify, "  ")
    )
}

/// What came of each verification: `name: outcome what`.
fn outcomes(ran: &Ran) -> Vec<String> {
    let gates = ran.finished.gates.iter().filter_map(|gate| gate.verification());
    let told = gates.map(|gate| {
        let what = match &gate.outcome {
            VerificationOutcome::Held { found } => found.clone(),
            VerificationOutcome::Failed { found, wanted, .. } => format!("{found}, wanted {wanted}"),
            VerificationOutcome::Unknown { why } => why.clone(),
            VerificationOutcome::NoData(no_data) => no_data.selector.clone(),
        };
        format!("{}: {} {what}", gate.name, gate.outcome.as_str())
    });
    told.collect()
}

/// All that is written of a run.
fn written(ran: &Ran) -> String {
    let finished = &ran.finished;
    let summary = text(finished, &SummaryOptions::default());
    let json = json_summary(finished, &TrendStat::DEFAULT).to_string();
    format!("{summary}\n{json}\n{}\n{:?}\n{finished:?}", junit(finished).unwrap(), ran.last)
}

fn verified(verify: &str) -> (Ran, Vec<String>) {
    let ran = run(&plan(verify));
    let outcomes = outcomes(&ran);
    (ran, outcomes)
}

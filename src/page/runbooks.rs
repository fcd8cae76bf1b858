//! The shipped runbooks, `alerting/runbooks/*.md`, so that whoever looks at an alert can read what to do about it.

/// What to do about an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Runbook {
    /// The alert's.
    pub name: &'static str,
    /// Markdown.
    pub text: &'static str,
}

/// Files of `alerting/runbooks` by their names.
macro_rules! runbooks {
    ($($name:literal,)*) => {
        &[$(Runbook { name: $name, text: include_str!(concat!("../../alerting/runbooks/", $name, ".md")) }),*]
    };
}

/// By name.
pub const RUNBOOKS: &[Runbook] = runbooks![
    "AutoscalingSlow",
    "BackendHzHigh",
    "BackendHzLow",
    "BackendLoopStalled",
    "ColdStartSlow",
    "ConnectionsLow",
    "ConnectionsNotOffered",
    "DroppedIterations",
    "ErrorBudgetSpent",
    "ErrorRateExtreme",
    "ErrorRateHigh",
    "EventLatencyHigh",
    "EventRateLow",
    "EventSuccessLow",
    "GeneratorCpuHigh",
    "GeneratorDescriptorsLow",
    "GeneratorMemoryHigh",
    "GeneratorTooLate",
    "JobRateLow",
    "LatencyGoodRatioLow",
    "LatencyP95High",
    "LatencyP99High",
    "LoadgateDown",
    "NoData",
    "PulseErrorBudgetSpent",
    "PulseErrorRateHigh",
    "PulseLatencyP95High",
    "PulseLatencyP99High",
    "RecoverySlow",
    "RunFailed",
    "RunInconclusive",
    "ScheduledRunMissed",
    "TargetCpuHigh",
    "TargetDescriptorLeak",
    "TargetDescriptorsLow",
    "TargetDown",
    "TargetMemoryHigh",
    "TargetMemoryLeak",
    "TargetRestarted",
    "ThresholdCrossed",
    "ThroughputLow",
    "ThroughputNotOffered",
    "Watchdog",
    "WsConnectSlow",
    "WsConnectionsFailing",
    "WsFirstMessageSlow",
    "WsMessageSlow",
    "WsReceivesFailing",
];

impl Runbook {
    pub fn of(name: &str) -> Option<Runbook> {
        RUNBOOKS.iter().copied().find(|runbook| runbook.name == name)
    }

    /// The one that a rule's `runbook_url` means: `alerting/runbooks/NAME.md`. One on the web is somebody else's.
    pub fn at(address: &str) -> Option<Runbook> {
        if address.contains(':') {
            return None;
        }
        let (folder, file) = address.rsplit_once('/')?;
        let is_ours = folder == "runbooks" || folder.ends_with("/runbooks");
        file.strip_suffix(".md").filter(|_| is_ours).and_then(Runbook::of)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    #[test]
    fn every_shipped_runbook_is_there() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("alerting/runbooks");
        let files =
            std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
        let there: BTreeSet<String> = files.collect();
        let listed: BTreeSet<String> =
            RUNBOOKS.iter().map(|runbook| format!("{}.md", runbook.name)).collect();
        assert_eq!(listed, there);
    }

    #[test]
    fn a_rule_names_a_runbook_by_its_path_and_one_on_the_web_is_not_ours() {
        let name = |address| Runbook::at(address).map(|runbook| runbook.name);
        assert_eq!(name("alerting/runbooks/NoData.md"), Some("NoData"));
        assert_eq!(name("runbooks/NoData.md"), Some("NoData"));
        for other in
            ["https://example.com/runbooks/NoData.md", "docs/NoData.md", "runbooks/Other.md", "NoData.md", ""]
        {
            assert_eq!(name(other), None, "{other}");
        }
    }
}

//! The figures that are measured, and their medians over rounds.

use std::collections::BTreeMap;
use std::fmt;

use crate::probe::Disturbance;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Figure {
    CpuSecsPerMillion,
    RequestsPerSec,
    PeakRssMib,
    CpuSecs,
    /// Of one core, in percent.
    CpuPercent,
    /// Requests that the server saw, in percent of those due.
    AchievedPercent,
    Dropped,
    /// As the server saw it, against t0 + i/rate with one t0 for the run.
    LatenessP50Micros,
    LatenessP90Micros,
    /// The same with a t0 for each second: what is left when whole requests were skipped.
    LatenessP50MicrosPerSec,
    LatenessP90MicrosPerSec,
    /// From the due time where the client knows it, else its own idea of latency.
    ReportedP50Ms,
    ReportedP99Ms,
    /// From the send.
    ServiceP99Ms,
    Exchanges,
    Errors,
    /// The largest error of any reported percentile, in units of what is tolerated (1 % or 1 ms): at most 1.
    PercentileError,
    Scrapes,
    /// WebSockets open at once, as the server saw it.
    Open,
    /// From the first connection until all were open, as the server saw it.
    OpenedSecs,
    /// What a further user adds to the peak RSS.
    KibPerUser,
}

impl Figure {
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::CpuSecsPerMillion => "CPU s/M req",
            Self::RequestsPerSec => "req/s",
            Self::PeakRssMib => "RSS MiB",
            Self::CpuSecs => "CPU s",
            Self::CpuPercent => "CPU % core",
            Self::AchievedPercent => "achieved %",
            Self::Dropped => "dropped",
            Self::LatenessP50Micros => "late p50 µs",
            Self::LatenessP90Micros => "late p90 µs",
            Self::LatenessP50MicrosPerSec => "p50 µs (1 s)",
            Self::LatenessP90MicrosPerSec => "p90 µs (1 s)",
            Self::ReportedP50Ms => "says p50 ms",
            Self::ReportedP99Ms => "says p99 ms",
            Self::ServiceP99Ms => "service p99 ms",
            Self::Exchanges => "exchanges",
            Self::Errors => "errors",
            Self::PercentileError => "worst error",
            Self::Scrapes => "scrapes",
            Self::Open => "open",
            Self::OpenedSecs => "opened s",
            Self::KibPerUser => "KiB/user",
        }
    }

    pub(crate) fn decimals(self) -> usize {
        match self {
            Self::RequestsPerSec
            | Self::Dropped
            | Self::Exchanges
            | Self::Errors
            | Self::Scrapes
            | Self::Open
            | Self::LatenessP50Micros
            | Self::LatenessP90Micros
            | Self::LatenessP50MicrosPerSec
            | Self::LatenessP90MicrosPerSec => 0,
            Self::CpuPercent | Self::PeakRssMib | Self::KibPerUser => 1,
            Self::CpuSecsPerMillion
            | Self::CpuSecs
            | Self::OpenedSecs
            | Self::ReportedP50Ms
            | Self::ReportedP99Ms
            | Self::ServiceP99Ms
            | Self::PercentileError => 2,
            Self::AchievedPercent => 3,
        }
    }
}

/// The figures of one run.
#[derive(Debug, Clone, Default)]
pub(crate) struct Row(BTreeMap<Figure, f64>);

impl Row {
    pub(crate) fn with(mut self, figure: Figure, value: f64) -> Self {
        self.0.insert(figure, value);
        self
    }

    /// A figure that this client does not have is left out, and shown as a dash.
    pub(crate) fn with_known(self, figure: Figure, value: Option<f64>) -> Self {
        match value {
            Some(value) => self.with(figure, value),
            None => self,
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (Figure, f64)> {
        self.0.iter().map(|(figure, value)| (*figure, *value))
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (figure, value)) in self.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(f, "{comma}{} {value:.*}", figure.title(), figure.decimals())?;
        }
        Ok(())
    }
}

/// The rounds of one client.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rounds(Vec<(Row, Disturbance)>);

impl Rounds {
    pub(crate) fn push(&mut self, row: Row, disturbance: Disturbance) {
        self.0.push((row, disturbance));
    }

    /// Over the undisturbed rounds; over all if there is none.
    pub(crate) fn median(&self, figure: Figure) -> Option<f64> {
        let any_clean = self.clean() > 0;
        let counted = self.0.iter().filter(|(_, disturbance)| !any_clean || disturbance.is_none());
        median(counted.filter_map(|(row, _)| row.0.get(&figure).copied()).collect())
    }

    pub(crate) fn clean(&self) -> usize {
        self.0.iter().filter(|(_, disturbance)| disturbance.is_none()).count()
    }

    /// Of the cores in use, in percent: the median of what others used.
    pub(crate) fn others_percent(&self) -> Option<f64> {
        median(self.0.iter().map(|(_, disturbance)| disturbance.others_percent).collect())
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &(Row, Disturbance)> {
        self.0.iter()
    }
}

pub(crate) fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => None,
        n if n % 2 == 1 => Some(values[middle]),
        _ => Some(f64::midpoint(values[middle - 1], values[middle])),
    }
}

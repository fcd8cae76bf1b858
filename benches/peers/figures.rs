//! The figures that are measured.

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

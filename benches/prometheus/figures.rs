//! The figures that are measured.

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Figure {
    Series,
    Rules,
    /// Of CPU, for the rules, in a second of run.
    RulesCpuMs,
    /// The same, of the first minute alone: as long as Prometheus is watched.
    FirstMinuteCpuMs,
    /// The dearest tick.
    WorstTickMs,
    /// Of CPU, to take in the samples of a second.
    IntakeCpuMs,
    Alerts,
    /// Steps of 15 s.
    CoarseMs,
    /// Steps of 1 s.
    FineMs,
    BytesPerSample,
    /// As the store itself counts.
    CountedBytesPerSample,
    AppendNanos,
    MillionSamples,
    TextMs,
    TextGzipMs,
    OpenMetricsMs,
    OpenMetricsGzipMs,
    ProtobufMs,
    ProtobufGzipMs,
    Scrapes,
    IterationsPerSec,
    LagP50Ms,
    LagP99Ms,
    Dropped,
}

impl Figure {
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Series => "series",
            Self::Rules => "rules",
            Self::RulesCpuMs => "CPU ms/s",
            Self::FirstMinuteCpuMs => "CPU ms/s (1st minute)",
            Self::WorstTickMs => "worst tick ms",
            Self::IntakeCpuMs => "intake CPU ms/s",
            Self::Alerts => "active alerts",
            Self::CoarseMs => "15 s ms",
            Self::FineMs => "1 s ms",
            Self::BytesPerSample => "bytes/sample",
            Self::CountedBytesPerSample => "says bytes/sample",
            Self::AppendNanos => "append ns",
            Self::MillionSamples => "M samples",
            Self::TextMs => "text ms",
            Self::TextGzipMs => "text, gzip",
            Self::OpenMetricsMs => "OpenMetrics ms",
            Self::OpenMetricsGzipMs => "OpenMetrics, gzip",
            Self::ProtobufMs => "protobuf ms",
            Self::ProtobufGzipMs => "protobuf, gzip",
            Self::Scrapes => "scrapes",
            Self::IterationsPerSec => "iterations/s",
            Self::LagP50Ms => "lag p50 ms",
            Self::LagP99Ms => "lag p99 ms",
            Self::Dropped => "dropped",
        }
    }

    pub(crate) fn decimals(self) -> usize {
        match self {
            Self::Series
            | Self::Rules
            | Self::Alerts
            | Self::Scrapes
            | Self::Dropped
            | Self::IterationsPerSec => 0,
            Self::CoarseMs
            | Self::FineMs
            | Self::AppendNanos
            | Self::TextMs
            | Self::TextGzipMs
            | Self::OpenMetricsMs
            | Self::OpenMetricsGzipMs
            | Self::ProtobufMs
            | Self::ProtobufGzipMs => 1,
            Self::RulesCpuMs
            | Self::FirstMinuteCpuMs
            | Self::WorstTickMs
            | Self::IntakeCpuMs
            | Self::BytesPerSample
            | Self::CountedBytesPerSample
            | Self::MillionSamples => 2,
            Self::LagP50Ms | Self::LagP99Ms => 3,
        }
    }
}

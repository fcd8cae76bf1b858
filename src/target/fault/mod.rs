//! What can be made to go wrong: a closed set, given as `NAME[=VALUE]`.

mod active;
mod duration;
mod ratio;
mod stall;
mod status;

use std::fmt::{self, Display, Write as _};
use std::str::FromStr;
use std::time::Duration;

pub(super) use self::active::ActiveFaults;
pub use self::ratio::Ratio;
pub use self::stall::Stall;
pub use self::status::RefusalStatus;

use self::duration::Span;
use super::tick::Hz;

/// One fault, with what it was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Every HTTP answer, the first chunk of every reply, and on `/ws` every answer and event come this
    /// much later.
    Latency(Duration),
    /// For a while in every period nothing is answered at all; what arrives waits.
    Stall(Stall),
    /// This share of HTTP requests gets status 500.
    Errors(Ratio),
    /// WebSocket upgrades are refused with this status.
    RefuseUpgrades(RefusalStatus),
    /// The loop runs at this rate.
    SlowLoop(Hz),
    /// The loop stops ticking, for this long or until cleared.
    StalledLoop(Option<Duration>),
    /// `/health` and `/ready` answer 503.
    Unhealthy,
    /// This share of the events of `/ws` is lost on the way.
    DropEvents(Ratio),
    /// This share of the orders for what is sold out is accepted.
    Oversell(Ratio),
    /// Nothing that is published reaches a queue.
    Unrouted,
}

/// How one fault is written and what it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FaultInfo {
    /// What comes before `=`.
    pub name: &'static str,
    /// What may follow the name, such as `[=DURATION]`; empty if nothing may.
    pub argument: &'static str,
    /// What the fault does, with the default of its value: half a sentence.
    pub about: &'static str,
}

/// All faults, for `--help`, `GET /faults` and the error about an unknown one.
pub const FAULTS: [FaultInfo; 10] = [
    FaultInfo {
        name: "latency",
        argument: "[=DURATION]",
        about: "every answer, first chunk and event comes later by DURATION (default 200ms)",
    },
    FaultInfo {
        name: "stall",
        argument: "[=DURATION[/EVERY]]",
        about: "answers nothing during the last DURATION of every EVERY (default 1s/10s)",
    },
    FaultInfo {
        name: "errors",
        argument: "[=RATIO]",
        about: "HTTP 500 for this share of requests, evenly spread: 0.1 or 10% (default 0.1)",
    },
    FaultInfo {
        name: "refuse-upgrades",
        argument: "[=STATUS]",
        about: "refuses WebSocket upgrades with STATUS, 300 to 599 (default 503)",
    },
    FaultInfo { name: "slow-loop", argument: "[=HZ]", about: "the loop runs at HZ, 1 to 1000 (default 60)" },
    FaultInfo {
        name: "stalled-loop",
        argument: "[=DURATION]",
        about: "the loop stops ticking for DURATION (default: until cleared)",
    },
    FaultInfo { name: "unhealthy", argument: "", about: "/health and /ready answer 503" },
    FaultInfo {
        name: "drop-events",
        argument: "[=RATIO]",
        about: "this share of the events of /ws and /events/live is lost (default 0.01)",
    },
    FaultInfo {
        name: "oversell",
        argument: "[=RATIO]",
        about: "accepts this share of the orders for what is sold out (default 0.01)",
    },
    FaultInfo { name: "unrouted", argument: "", about: "what is published reaches no queue: routed false" },
];

/// Why a fault could not be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FaultError {
    /// There is no fault of this name.
    #[error("unknown fault `{0}`; the faults are:\n{table}", table = Fault::table())]
    Unknown(String),
    /// The value does not fit the fault.
    #[error("fault `{fault}` cannot take `{value}`: expected {expected}")]
    Value {
        /// The fault's name.
        fault: &'static str,
        /// What was given.
        value: String,
        /// What would have fitted, with an example.
        expected: &'static str,
    },
}

impl FaultInfo {
    pub(super) fn named(name: &str) -> Result<&'static Self, FaultError> {
        FAULTS.iter().find(|info| info.name == name).ok_or_else(|| FaultError::Unknown(name.to_owned()))
    }

    /// How the fault is written: `latency[=DURATION]`.
    #[must_use]
    pub fn usage(&self) -> String {
        format!("{}{}", self.name, self.argument)
    }
}

impl Fault {
    /// The fault called `name`; without a value, with its default.
    ///
    /// # Errors
    /// When there is none of that name (the message lists all), or it cannot take that value.
    pub fn new(name: &str, value: Option<&str>) -> Result<Self, FaultError> {
        let info = FaultInfo::named(name)?;
        let value_or = |default| value.unwrap_or(default);
        let parsed = match info.name {
            "latency" => {
                value_or("200ms").parse().map(|Span(by)| Self::Latency(by)).map_err(|_| Span::EXPECTED)
            }
            "stall" => value_or("1s/10s").parse().map(Self::Stall).map_err(|_| Stall::EXPECTED),
            "errors" => value_or("0.1").parse().map(Self::Errors).map_err(|_| Ratio::EXPECTED),
            "refuse-upgrades" => {
                value_or("503").parse().map(Self::RefuseUpgrades).map_err(|_| RefusalStatus::EXPECTED)
            }
            "slow-loop" => value_or("60").parse().map(Self::SlowLoop).map_err(|_| Hz::EXPECTED),
            "stalled-loop" => match value.map(str::parse).transpose() {
                Ok(length) => Ok(Self::StalledLoop(length.map(|Span(length)| length))),
                Err(_) => Err(Span::EXPECTED),
            },
            "drop-events" => value_or("0.01").parse().map(Self::DropEvents).map_err(|_| Ratio::EXPECTED),
            "oversell" => value_or("0.01").parse().map(Self::Oversell).map_err(|_| Ratio::EXPECTED),
            _ if value.is_some() => Err("no value"),
            "unrouted" => Ok(Self::Unrouted),
            _ => Ok(Self::Unhealthy),
        };
        parsed.map_err(|expected| FaultError::Value {
            fault: info.name,
            value: value.unwrap_or_default().to_owned(),
            expected,
        })
    }

    /// The name, as in [`FAULTS`].
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Latency(_) => "latency",
            Self::Stall(_) => "stall",
            Self::Errors(_) => "errors",
            Self::RefuseUpgrades(_) => "refuse-upgrades",
            Self::SlowLoop(_) => "slow-loop",
            Self::StalledLoop(_) => "stalled-loop",
            Self::Unhealthy => "unhealthy",
            Self::DropEvents(_) => "drop-events",
            Self::Oversell(_) => "oversell",
            Self::Unrouted => "unrouted",
        }
    }

    /// The value, as it may follow `=`.
    #[must_use]
    pub fn value(&self) -> Option<String> {
        match self {
            Self::Latency(by) => Some(Span(*by).to_string()),
            Self::Stall(stall) => Some(stall.to_string()),
            Self::Errors(share) | Self::DropEvents(share) | Self::Oversell(share) => Some(share.to_string()),
            Self::RefuseUpgrades(status) => Some(status.to_string()),
            Self::SlowLoop(hz) => Some(hz.to_string()),
            Self::StalledLoop(length) => length.map(|length| Span(length).to_string()),
            Self::Unhealthy | Self::Unrouted => None,
        }
    }

    /// All faults, one a line: how each is written, and what it does.
    #[must_use]
    pub fn table() -> String {
        let width = FAULTS.iter().map(|info| info.usage().len()).max().unwrap_or(0);
        let line = |mut table: String, info: &FaultInfo| {
            // Writing to a `String` cannot fail.
            let _ = writeln!(table, "  {usage:<width$}  {about}", usage = info.usage(), about = info.about);
            table
        };
        FAULTS.iter().fold(String::new(), line).trim_end().to_owned()
    }
}

/// `NAME` or `NAME=VALUE`.
impl FromStr for Fault {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once('=') {
            Some((name, value)) => Self::new(name, Some(value)),
            None => Self::new(text, None),
        }
    }
}

/// `NAME=VALUE`, the value also where it is the default; what [`FromStr`] reads.
impl Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        self.value().map_or(Ok(()), |value| write!(f, "={value}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, written: &str) {
        let fault: Fault = text.parse().unwrap();
        assert_eq!(fault.to_string(), written);
        assert_eq!(written.parse::<Fault>().unwrap(), fault, "{written} does not read back");
    }

    fn check_error(text: &str, message: &str) {
        assert_eq!(text.parse::<Fault>().unwrap_err().to_string(), message);
    }

    #[test]
    fn every_fault_has_a_default_and_reads_back_as_written() {
        check("latency", "latency=200ms");
        check("latency=1.5s", "latency=1.5s");
        check("stall", "stall=1s/10s");
        check("stall=250ms", "stall=250ms/10s");
        check("stall=2s/1m", "stall=2s/60s");
        check("errors", "errors=0.1");
        check("errors=25%", "errors=0.25");
        check("refuse-upgrades", "refuse-upgrades=503");
        check("refuse-upgrades=429", "refuse-upgrades=429");
        check("slow-loop", "slow-loop=60");
        check("stalled-loop", "stalled-loop");
        check("stalled-loop=2s", "stalled-loop=2s");
        check("unhealthy", "unhealthy");
        check("drop-events", "drop-events=0.01");
        check("oversell=1%", "oversell=0.01");
        check("unrouted", "unrouted");
    }

    #[test]
    fn the_table_names_every_fault_once_and_each_can_be_made() {
        for info in FAULTS {
            assert_eq!(Fault::new(info.name, None).unwrap().name(), info.name);
            assert_eq!(Fault::table().matches(&format!("  {} ", info.usage())).count(), 1, "{}", info.name);
        }
    }

    #[test]
    fn an_unknown_fault_is_answered_with_all_of_them() {
        let message = "slow".parse::<Fault>().unwrap_err().to_string();
        assert_eq!(message, format!("unknown fault `slow`; the faults are:\n{}", Fault::table()));
    }

    #[test]
    fn a_value_that_does_not_fit_is_answered_with_one_that_does() {
        check_error(
            "latency=soon",
            "fault `latency` cannot take `soon`: expected a duration of at most a day, such as 200ms or 1m30s",
        );
        check_error(
            "stall=2s/1s",
            "fault `stall` cannot take `2s/1s`: expected DURATION/EVERY, EVERY not shorter, such as 1s/10s",
        );
        check_error(
            "errors=2",
            "fault `errors` cannot take `2`: expected a share from 0 to 1, such as 0.1 or 10%",
        );
        check_error(
            "refuse-upgrades=200",
            "fault `refuse-upgrades` cannot take `200`: expected an HTTP status from 300 to 599, such as 503",
        );
        check_error(
            "slow-loop=0",
            "fault `slow-loop` cannot take `0`: expected a whole rate from 1 to 1000, such as 60",
        );
        check_error("unhealthy=very", "fault `unhealthy` cannot take `very`: expected no value");
        check_error(
            "latency=",
            "fault `latency` cannot take ``: expected a duration of at most a day, such as 200ms or 1m30s",
        );
    }
}

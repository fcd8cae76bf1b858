//! Runs that start by themselves: cron's five fields, in a timezone.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr as _;

use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use serde_json::{Value as Json, json};

use crate::config::fields::{Element, Fields, Reader, Value};
use crate::config::node::Node;
use crate::config::schema::Schemas;
use crate::config::suggest::nearest;
use crate::config::value::{Constant, EnvironmentName, Name, PlanName, ProfileName, Table, word};
use crate::config::{At, Place};

/// A run that starts by itself.
#[derive(Debug, Clone, PartialEq)]
pub struct ScheduleConfig {
    /// Unique; default the plan's name, with the profile's: `chat-streaming/load`.
    pub name: At<String>,
    /// The plan's name, the label `test`.
    pub plan: At<String>,
    pub profile: Option<String>,
    pub cron: Cron,
    /// As it was written.
    pub cron_text: String,
    pub timezone: TimeZone,
    pub overlap: Overlap,
    pub missed: Missed,
    /// Values of variables that the plan declares.
    pub env: Vec<(String, String)>,
}

/// When it is time while the last run of the same schedule is still under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overlap {
    Skip,
    Queue,
}

/// When it was time while the daemon was not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missed {
    Skip,
    /// Once, however often it was.
    RunOnce,
}

/// Of the IANA database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeZone(pub chrono_tz::Tz);

impl fmt::Display for TimeZone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name())
    }
}

impl Element for ScheduleConfig {
    const NAME: &'static str = "schedule";
    const HELP: &'static str = "A run that starts by itself";

    fn fields(f: &mut Fields<'_>) -> Option<Self> {
        let name = f.optional::<At<Constant>>("name", "Unique; default the plan's, with the profile's");
        let plan = f.required::<At<Name<PlanName>>>("plan", "The plan's name");
        let profile = f.optional::<Name<ProfileName>>("profile", "Of the plan");
        let cron = f.required::<CronText>(
            "cron",
            "Minute, hour, day of the month, month, day of the week: `0 3 * * *`",
        );
        let timezone = f.or::<TimeZone>("timezone", "In which `cron` is meant", "UTC");
        let overlap = f.or::<Overlap>("overlap", "When the last run of it is still under way", "skip");
        let missed = f.or::<Missed>("missed", "When the daemon was not there", "skip");
        let env = f.or_empty::<Table<EnvironmentName, At<Constant>>>(
            "env",
            "Values of variables that the plan declares",
        );
        let (plan, profile, cron) = (plan?.map(|plan| plan.0), profile?.map(|profile| profile.0), cron?);
        let name = name?.map(|name| name.map(|name| name.0)).unwrap_or_else(|| {
            let profile = profile.iter().map(|profile| format!("/{profile}"));
            At::new(plan.value.clone() + &profile.collect::<String>(), plan.place)
        });
        let env = env?.into_texts().into_iter().map(|(name, value)| (name.value, value.value)).collect();
        Some(ScheduleConfig {
            name,
            plan,
            profile,
            cron: cron.cron,
            cron_text: cron.text,
            timezone: timezone?,
            overlap: overlap?,
            missed: missed?,
            env,
        })
    }
}

pub(super) fn check_names(f: &mut Fields<'_>, schedules: &[ScheduleConfig]) {
    let mut places: HashMap<&str, Place> = HashMap::new();
    for ScheduleConfig { name, .. } in schedules {
        if let Some(first) = places.get(name.value.as_str()) {
            let help = format!("the first is at {}:{}; give one of them a `name`", first.line, first.column);
            f.problem_at(name.place, format!("a second schedule has the name `{}`", name.value), help);
        } else {
            places.insert(&name.value, name.place);
        }
    }
}

struct CronText {
    cron: Cron,
    text: String,
}

impl Value for CronText {
    fn expected() -> String {
        "cron's five fields, such as `\"0 3 * * *\"`".to_owned()
    }

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        let text = reader.scalar(node, &Self::expected(), |scalar| Some(scalar.text.clone()))?;
        // As cron has it: a day that is restricted by both month and week is either.
        let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
        match parser.parse(&text) {
            Ok(cron) if text.split_whitespace().count() == 5 || text.starts_with('@') => {
                Some(CronText { cron, text })
            }
            Ok(_) => {
                reader.unexpected(node, &Self::expected());
                None
            }
            Err(error) => {
                let why = error.to_string();
                let why = why.trim_end_matches('.');
                let help = format!(
                    "expected {}: minute, hour, day of the month, month, day of the week",
                    Self::expected()
                );
                reader.problem(node.place, format!("`{text}` is no schedule: {why}"), help);
                None
            }
        }
    }

    fn schema(_: &mut Schemas) -> Json {
        json!({"type": "string", "examples": ["0 3 * * *", "*/15 8-18 * * MON-FRI"]})
    }
}

impl Value for TimeZone {
    fn expected() -> String {
        "a timezone such as `UTC` or `Europe/Berlin`".to_owned()
    }

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        let text = reader.scalar(node, &Self::expected(), |scalar| Some(scalar.text.clone()))?;
        if let Ok(zone) = chrono_tz::Tz::from_str(&text) {
            return Some(TimeZone(zone));
        }
        let near = nearest(&text, chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name()));
        let expected = Self::expected();
        let help = near.map_or(format!("expected {expected}"), |near| format!("did you mean `{near}`?"));
        reader.problem(node.place, format!("unknown timezone {}", node.found()), help);
        None
    }

    fn schema(_: &mut Schemas) -> Json {
        json!({"type": "string", "examples": ["UTC", "Europe/Berlin"]})
    }
}

const OVERLAPS: [(&str, Overlap); 2] = [("skip", Overlap::Skip), ("queue", Overlap::Queue)];
const MISSED: [(&str, Missed); 2] = [("skip", Missed::Skip), ("run_once", Missed::RunOnce)];

impl Value for Overlap {
    fn expected() -> String {
        "`skip` or `queue`".to_owned()
    }

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        word(node, reader, "policy", &OVERLAPS)
    }

    fn schema(_: &mut Schemas) -> Json {
        json!({"enum": OVERLAPS.map(|(word, _)| word)})
    }
}

impl Value for Missed {
    fn expected() -> String {
        "`skip` or `run_once`".to_owned()
    }

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        word(node, reader, "policy", &MISSED)
    }

    fn schema(_: &mut Schemas) -> Json {
        json!({"enum": MISSED.map(|(word, _)| word)})
    }
}

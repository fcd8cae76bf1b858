//! Prometheus' test language, read into commands: `load`, `clear`, `eval` and its expectations. Grammar and oddities
//! are those of `promql/promqltest/test.go`; its README describes them.

use std::collections::HashMap;
use std::sync::LazyLock;

use loadgate::labels::Labels;
use loadgate::promql::notation::{self, StepValue};
use regex::Regex;

use crate::said::Said;

pub(crate) struct Command {
    /// From 1.
    pub(crate) line: usize,
    pub(crate) action: Action,
}

pub(crate) enum Action {
    Clear,
    Load(Load),
    Eval(Box<Eval>),
    /// What could not be read, and why: a failed case.
    Unreadable(String),
}

/// Series whose values are `step_ms` apart, from the epoch on.
#[derive(Default)]
pub(crate) struct Load {
    pub(crate) step_ms: i64,
    pub(crate) series: HashMap<Labels, Vec<StepValue>>,
    /// Those with start timestamps (`x@st …`), which Prometheus has behind a flag.
    pub(crate) started: Vec<Labels>,
    /// `load_with_nhcb`: classic histograms become native ones as well.
    pub(crate) with_native: bool,
}

/// A query and what is to come of it.
pub(crate) struct Eval {
    /// The whole line.
    pub(crate) text: String,
    pub(crate) query: String,
    pub(crate) when: When,
    pub(crate) expected: Expected,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum When {
    Instant { at_ms: i64 },
    Range(Steps),
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Steps {
    pub(crate) from_ms: i64,
    pub(crate) to_ms: i64,
    pub(crate) step_ms: i64,
}

#[derive(Default)]
pub(crate) struct Expected {
    pub(crate) fail: Option<Said>,
    pub(crate) warnings: Vec<Said>,
    pub(crate) infos: Vec<Said>,
    pub(crate) no_warnings: bool,
    pub(crate) no_infos: bool,
    pub(crate) ordered: bool,
    /// A range vector from an instant query has its points at these.
    pub(crate) steps: Option<Steps>,
    pub(crate) string: Option<String>,
    pub(crate) scalar: Option<f64>,
    /// In their order.
    pub(crate) series: Vec<(Labels, Vec<StepValue>)>,
}

static LOAD: LazyLock<Regex> = LazyLock::new(|| pattern(r"^load(?:_(with_nhcb))?\s+(.+?)$"));
static INSTANT: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^eval(?:_(fail|warn|ordered|info))?\s+instant\s+(?:at\s+(.+?))?\s+(.+)$"));
static RANGE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"^eval(?:_(fail|warn|info))?\s+range\s+from\s+(.+)\s+to\s+(.+)\s+step\s+(.+?)\s+(.+)$")
});
static EXPECT: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^expect\s+(ordered|fail|warn|no_warn|info|no_info)(?:\s+(regex|msg):(.+))?$"));
static STEPS: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^expect range vector\s+from\s+(.+)\s+to\s+(.+)\s+step\s+(.+)$"));
static DURATION: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^(?:\d+y)?(?:\d+w)?(?:\d+d)?(?:\d+h)?(?:\d+m)?(?:\d+s)?(?:\d+ms)?$"));

fn pattern(text: &str) -> Regex {
    Regex::new(text).unwrap()
}

/// All commands of a file. A line that is none is one that cannot be read.
pub(crate) fn read(text: &str) -> Vec<Command> {
    let lines: Vec<&str> =
        text.lines().map(str::trim).map(|line| if line.starts_with('#') { "" } else { line }).collect();
    let mut commands = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        let line = lines[at];
        let first = at;
        at += 1;
        if line.is_empty() {
            continue;
        }
        let word = line.split_whitespace().next().unwrap_or_default().to_lowercase();
        let mut block = Block { lines: &lines, next: at };
        let action = if word == "clear" {
            Ok(Action::Clear)
        } else if word.starts_with("load") {
            load(line, &mut block).map(Action::Load)
        } else if word.starts_with("eval") {
            eval(line, &mut block).map(|eval| Action::Eval(Box::new(eval)))
        } else {
            Err(format!("invalid command {line:?}"))
        };
        let action = action.unwrap_or_else(|why| {
            block.by_ref().for_each(drop);
            Action::Unreadable(why)
        });
        at = block.next;
        commands.push(Command { line: first + 1, action });
    }
    commands
}

/// The lines up to the next blank one.
struct Block<'a> {
    lines: &'a [&'a str],
    next: usize,
}

impl<'a> Iterator for Block<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let line = self.lines.get(self.next).copied().filter(|line| !line.is_empty())?;
        self.next += 1;
        Some(line)
    }
}

fn load(line: &str, block: &mut Block<'_>) -> Result<Load, String> {
    let parts = LOAD.captures(line).ok_or("expected `load <step>`")?;
    let mut load =
        Load { step_ms: duration_ms(&parts[2])?, with_native: parts.get(1).is_some(), ..Load::default() };
    for line in block {
        let metric = line.split_whitespace().next().unwrap_or_default();
        if let Some(metric) = metric.strip_suffix("@st") {
            load.started.push(notation::metric(metric).map_err(|why| why.to_string())?);
            continue;
        }
        let (labels, values) = notation::series(line).map_err(|why| format!("{line}: {why}"))?;
        load.series.insert(labels, values);
    }
    Ok(load)
}

fn eval(line: &str, block: &mut Block<'_>) -> Result<Eval, String> {
    let (mode, when, query) = if let Some(parts) = INSTANT.captures(line) {
        let at_ms = duration_ms(parts.get(2).map_or("", |at| at.as_str()))?;
        (parts.get(1), When::Instant { at_ms }, parts[3].to_owned())
    } else if let Some(parts) = RANGE.captures(line) {
        (parts.get(1), When::Range(steps([&parts[2], &parts[3], &parts[4]])?), parts[5].to_owned())
    } else {
        return Err("expected `eval instant at <time> <query>` or \
            `eval range from <time> to <time> step <duration> <query>`"
            .to_owned());
    };
    let mut expected = Expected::default();
    match mode.map(|mode| mode.as_str()) {
        Some("ordered") => expected.ordered = true,
        Some("fail") => expected.fail = Some(Said::Anything),
        Some("warn") => expected.warnings.push(Said::Anything),
        Some("info") => expected.infos.push(Said::Anything),
        _ => {}
    }
    let failing = expected.fail.is_some();
    for line in block {
        if let Some(message) = line.strip_prefix("expected_fail_message").filter(|_| failing) {
            expected.fail = Some(Said::Message(message.trim().to_owned()));
            break;
        }
        if let Some(pattern) = line.strip_prefix("expected_fail_regexp").filter(|_| failing) {
            expected.fail = Some(Said::pattern(pattern.trim())?);
            break;
        }
        if line.starts_with("expect range vector") {
            let parts = STEPS.captures(line).ok_or_else(|| format!("invalid range vector {line:?}"))?;
            expected.steps = Some(steps([&parts[1], &parts[2], &parts[3]])?);
        } else if let Some(text) = line.strip_prefix("expect string") {
            expected.string = Some(notation::unquote(text.trim()).map_err(|why| why.to_string())?);
        } else if line.split(' ').next() == Some("expect") {
            expect(line, &mut expected)?;
        } else if let Some(scalar) = notation::number(line) {
            expected.scalar = Some(scalar);
            break;
        } else {
            let (labels, values) = notation::series(line).map_err(|why| format!("{line}: {why}"))?;
            if values.is_empty() {
                return Err(format!("{line}: no value is expected of it"));
            }
            if values.len() > 1 && matches!(when, When::Instant { .. }) && expected.steps.is_none() {
                return Err(format!("{line}: an instant query gives one value"));
            }
            expected.series.retain(|(known, _)| *known != labels);
            expected.series.push((labels, values));
        }
    }
    Ok(Eval { text: line.to_owned(), query, when, expected })
}

fn expect(line: &str, expected: &mut Expected) -> Result<(), String> {
    let parts = EXPECT.captures(line).ok_or_else(|| format!("invalid expectation {line:?}"))?;
    let text = parts.get(3).map_or("", |text| text.as_str().trim());
    let said = match parts.get(2).map(|kind| kind.as_str()) {
        Some("msg") => Said::message(text),
        Some(_) => Said::pattern(text)?,
        None => Said::Anything,
    };
    match &parts[1] {
        "fail" if expected.fail.is_some() => return Err("more than one `expect fail`".to_owned()),
        "fail" => expected.fail = Some(said),
        "warn" => expected.warnings.push(said),
        "info" => expected.infos.push(said),
        "no_warn" => expected.no_warnings = true,
        "no_info" => expected.no_infos = true,
        _ => expected.ordered = true,
    }
    if expected.no_warnings && !expected.warnings.is_empty() {
        return Err("`warn` and `no_warn` together".to_owned());
    }
    if expected.no_infos && !expected.infos.is_empty() {
        return Err("`info` and `no_info` together".to_owned());
    }
    Ok(())
}

fn steps([from, to, step]: [&str; 3]) -> Result<Steps, String> {
    let steps = Steps { from_ms: duration_ms(from)?, to_ms: duration_ms(to)?, step_ms: duration_ms(step)? };
    if steps.to_ms < steps.from_ms {
        return Err(format!("the end, {to}, is before the start, {from}"));
    }
    Ok(steps)
}

/// `1h30m`, and `0`: Prometheus' `model.ParseDuration`.
fn duration_ms(text: &str) -> Result<i64, String> {
    let wrong = || format!("{text:?} is no duration");
    if text == "0" {
        return Ok(0);
    }
    if text.is_empty() || !DURATION.is_match(text) {
        return Err(wrong());
    }
    let mut total = 0;
    let mut rest = text;
    while !rest.is_empty() {
        let (number, unit) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?);
        let end = unit.find(|c: char| c.is_ascii_digit()).unwrap_or(unit.len());
        let unit_ms = match &unit[..end] {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            "w" => 7 * 86_400_000,
            _ => 365 * 86_400_000,
        };
        total += number.parse::<i64>().map_err(|_| wrong())? * unit_ms;
        rest = &unit[end..];
    }
    Ok(total)
}

#[test]
fn commands_and_blocks_are_read() {
    let script = "# a comment\n\nload 5m\n  x{a=\"b\"} 0+1x2\n  # within\n\nclear\n\
        eval instant at 1h30m sum by (a) (x)\n  expect no_warn\n  {a=\"b\"} 2\n\n\
        eval_fail range from 0 to 10m step 30s  x +\nnonsense\n";
    let commands = read(script);
    assert_eq!(commands.iter().map(|command| command.line).collect::<Vec<_>>(), [3, 7, 8, 12]);
    let [load, clear, instant, range] = &commands[..] else { panic!() };
    assert!(matches!(&load.action, Action::Load(load) if load.step_ms == 300_000 && load.series.len() == 1));
    assert!(matches!(clear.action, Action::Clear));
    let Action::Eval(eval) = &instant.action else { panic!() };
    assert_eq!((&*eval.query, eval.when), ("sum by (a) (x)", When::Instant { at_ms: 5_400_000 }));
    assert!(eval.expected.no_warnings && eval.expected.series.len() == 1);
    // Every line of a block is an expectation: this one is none.
    assert!(matches!(&range.action, Action::Unreadable(_)));
}

#[test]
fn queries_of_any_time_and_kind_are_read() {
    for (line, query, when) in [
        ("eval instant at 0 1", "1", When::Instant { at_ms: 0 }),
        ("eval instant at 5ms   time()", "time()", When::Instant { at_ms: 5 }),
        (
            "eval range from 1m to 2m step 1s x @ end()",
            "x @ end()",
            When::Range(Steps { from_ms: 60_000, to_ms: 120_000, step_ms: 1000 }),
        ),
    ] {
        let eval =
            eval(line, &mut Block { lines: &[], next: 0 }).unwrap_or_else(|why| panic!("{line}: {why}"));
        assert_eq!((&*eval.query, eval.when), (query, when));
    }
    for line in ["eval instant 1", "eval instant at soon 1", "eval range from 2m to 1m step 1s x", "eval x"] {
        assert!(eval(line, &mut Block { lines: &[], next: 0 }).is_err(), "{line}");
    }
}

#[test]
fn expectations_are_read() {
    let read = |lines: &[&str]| eval("eval_fail instant at 0 x", &mut Block { lines, next: 0 });
    let expected = read(&["expect warn msg: A B", "expect warn", "expect no_info", "expect ordered", "3"]);
    let expected = expected.unwrap_or_else(|why| panic!("{why}")).expected;
    assert_eq!((expected.warnings.len(), expected.no_infos, expected.ordered), (2, true, true));
    assert_eq!(expected.scalar, Some(3.0));
    let expected = read(&[r#"expect string "a\tb""#]).unwrap_or_else(|why| panic!("{why}")).expected;
    assert_eq!(expected.string.as_deref(), Some("a\tb"));
    for lines in [
        &["expect something"][..],
        &["expect warn", "expect no_warn"],
        &["expect info", "expect no_info"],
        &["expect fail"],
        &["expect range vector from 1 to 2"],
        &["expect string bare"],
        &["x 1 2"],
    ] {
        assert!(read(lines).is_err(), "{lines:?}");
    }
}

//! `--out KIND=FILE`: where results go beside the summary.

mod report;
mod samples;
mod shown;

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

pub(super) use report::Told;
pub(super) use samples::SampleWriter;
pub(super) use shown::ShownArgs;

use super::Failure;
use crate::report::SampleFormat;

/// One `--out`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Output {
    pub(super) kind: Kind,
    pub(super) to: To,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Written while the run lasts.
    Samples(SampleFormat),
    /// Written at its end.
    Vegeta,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum To {
    Stdout,
    File(PathBuf),
}

const KINDS: [(&str, Kind); 3] = [
    ("json", Kind::Samples(SampleFormat::Json)),
    ("csv", Kind::Samples(SampleFormat::Csv)),
    ("vegeta-json", Kind::Vegeta),
];

impl FromStr for Output {
    type Err = String;

    /// `json=FILE`; as in k6 no file, or `-`, is stdout.
    fn from_str(text: &str) -> Result<Self, String> {
        let (name, to) = text.split_once('=').unwrap_or((text, "-"));
        let Some((_, kind)) = KINDS.iter().find(|(known, _)| *known == name) else {
            let help =
                if name.contains("prometheus") { "; Prometheus scrapes loadgate: see --listen" } else { "" };
            return Err(format!("expected json=FILE, csv=FILE or vegeta-json=FILE, not `{text}`{help}"));
        };
        let to = if to.is_empty() || to == "-" { To::Stdout } else { To::File(PathBuf::from(to)) };
        Ok(Output { kind: *kind, to })
    }
}

impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = KINDS.iter().find(|(_, kind)| *kind == self.kind).map_or("", |(name, _)| name);
        match &self.to {
            To::Stdout => write!(f, "{name}=-"),
            To::File(path) => write!(f, "{name}={}", path.display()),
        }
    }
}

impl Output {
    pub(super) fn file(&self) -> Option<&Path> {
        match &self.to {
            To::Stdout => None,
            To::File(path) => Some(path),
        }
    }
}

/// Refuses outputs that would write over each other. `others` are files that are written too.
fn check_distinct<'a>(
    outputs: &'a [Output],
    others: impl IntoIterator<Item = &'a Path>,
) -> Result<(), Failure> {
    if outputs.iter().filter(|output| output.to == To::Stdout).count() > 1 {
        return Err(Failure::usage("error: only one --out can go to stdout"));
    }
    let mut files: Vec<&Path> = outputs.iter().filter_map(Output::file).chain(others).collect();
    // Devices take what comes from all sides.
    files.retain(|file| !file.starts_with("/dev"));
    files.sort();
    match files.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => {
            Err(Failure::usage(format!("error: two results would be written to {}", pair[0].display())))
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_output_is_read_as_k6_reads_it_and_written_back() {
        for (text, expected) in [
            ("json=run.json.gz", "json=run.json.gz"),
            ("json", "json=-"),
            ("json=", "json=-"),
            ("csv=-", "csv=-"),
            ("vegeta-json=a=b.json", "vegeta-json=a=b.json"),
        ] {
            assert_eq!(text.parse::<Output>().unwrap().to_string(), expected);
        }
        let refused = "experimental-prometheus-rw".parse::<Output>().unwrap_err();
        let expected = "expected json=FILE, csv=FILE or vegeta-json=FILE, not `experimental-prometheus-rw`; Prometheus scrapes loadgate: see --listen";
        assert_eq!(refused, expected);
    }

    #[test]
    fn two_results_in_one_place_are_refused() {
        let check = |outputs: &[&str]| {
            let outputs: Vec<Output> = outputs.iter().map(|text| text.parse().unwrap()).collect();
            check_distinct(&outputs, [Path::new("summary.json")]).map_err(|failure| failure.to_string())
        };
        assert_eq!(check(&["json=a", "csv=b", "vegeta-json=-", "json=/dev/null", "csv=/dev/null"]), Ok(()));
        assert_eq!(check(&["json=-", "csv=-"]).unwrap_err(), "error: only one --out can go to stdout");
        let twice = "error: two results would be written to summary.json";
        assert_eq!(check(&["json=summary.json"]).unwrap_err(), twice);
    }
}

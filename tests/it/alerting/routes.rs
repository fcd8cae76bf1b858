//! `alerting/alertmanager.yml`: Alertmanager takes it, and each alert goes where it should.

use std::path::PathBuf;
use std::process::Command;

use super::{alerts, read};

fn file() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("alerting/alertmanager.yml")
}

/// How amtool ends, and what it says on stdout; `None`, said on stdout, where there is no amtool.
fn amtool(arguments: &[&str]) -> Option<(bool, String)> {
    match Command::new("amtool").args(arguments).output() {
        Ok(output) => Some((output.status.success(), String::from_utf8(output.stdout).unwrap())),
        Err(error) => {
            println!(
                "skipped: amtool does not start ({error}); it comes with Debian's package prometheus-alertmanager"
            );
            None
        }
    }
}

/// Where an alert with these labels goes.
fn receiver(labels: &[&str]) -> Option<String> {
    let config = format!("--config.file={}", file().display());
    let (succeeded, said) = amtool(&[&["config", "routes", "test", &config][..], labels].concat())?;
    assert!(succeeded, "{labels:?}: {said}");
    Some(said.trim().to_owned())
}

#[test]
fn amtool_accepts_the_configuration() {
    let file = file();
    let Some((succeeded, said)) = amtool(&["check-config", file.to_str().unwrap()]) else { return };
    assert!(succeeded && said.contains("3 inhibit rules"), "{said}");
}

#[test]
fn an_alert_goes_where_its_severity_says() {
    for (labels, expected) in [
        (&["alertname=ErrorRateHigh", "severity=critical", "test=a", "testid=1"][..], "on-call"),
        (&["alertname=Mine", "severity=page"], "on-call"),
        (&["alertname=TargetCpuHigh", "severity=warning", "instance=a:1"], "team"),
        (&["alertname=DroppedIterations", "severity=info"], "nobody"),
        (&["alertname=Mine", "severity=none"], "nobody"),
        (&["alertname=Watchdog", "severity=none"], "heartbeat"),
        (&["alertname=WithoutSeverity"], "team"),
    ] {
        let Some(found) = receiver(labels) else { return };
        assert_eq!(found, expected, "{labels:?}");
    }
}

/// Critical ones wake somebody up, whatever comes to be added.
#[test]
fn every_shipped_alert_has_a_receiver_that_fits_its_severity() {
    for (_, rule) in alerts() {
        let severity = rule.label("severity").unwrap();
        let labels = [format!("alertname={}", rule.name), format!("severity={severity}")];
        let Some(found) = receiver(&labels.each_ref().map(String::as_str)) else { return };
        let expected = match severity {
            "critical" | "page" => "on-call",
            "warning" => "team",
            _ if rule.name == "Watchdog" => "heartbeat",
            _ => "nobody",
        };
        assert_eq!(found, expected, "{}", rule.name);
    }
}

/// Symptoms that a target which is down explains; the run's own end is told all the same.
#[test]
fn a_target_that_is_down_mutes_what_follows_from_it_and_nothing_else() {
    let config = read("alerting/alertmanager.yml");
    let patterns = config.lines().skip_while(|line| !line.contains("TargetDown")).filter_map(|line| {
        let (_, rest) = line.split_once("target_matchers: [alertname=~\"")?;
        Some(regex::Regex::new(&format!("^(?:{})$", rest.split('"').next().unwrap())).unwrap())
    });
    let patterns: Vec<_> = patterns.collect();
    assert_eq!(patterns.len(), 2);
    for (file, rule) in alerts() {
        let muted = patterns.iter().any(|pattern| pattern.is_match(&rule.name)) && rule.name != "TargetDown";
        let follows = match file.as_str() {
            "slo-http" | "slo-streaming" | "slo-events" | "slo-pulse" | "backend" | "target" => {
                rule.name != "TargetDown"
            }
            _ => matches!(
                &*rule.name,
                "JobRateLow"
                    | "ThroughputLow"
                    | "ConnectionsLow"
                    | "NoData"
                    | "TargetMemoryLeak"
                    | "TargetDescriptorLeak"
            ),
        };
        assert_eq!(muted, follows, "{}", rule.name);
    }
}

/// Runs last minutes: an alert that is over before it was told is never told.
#[test]
fn nobody_waits_longer_than_a_run_lasts() {
    let config = read("alerting/alertmanager.yml");
    for (key, at_most) in [("group_wait: ", 1), ("group_interval: ", 60)] {
        let values: Vec<u64> = config
            .lines()
            .filter_map(|line| line.trim().strip_prefix(key))
            .map(|value| match value.split_at(value.len() - 1) {
                (number, "s") => number.parse().unwrap(),
                (number, "m") => 60 * number.parse::<u64>().unwrap(),
                _ => panic!("{key}{value}"),
            })
            .collect();
        assert!(!values.is_empty() && values.iter().all(|secs| *secs <= at_most), "{key}{values:?}");
    }
}

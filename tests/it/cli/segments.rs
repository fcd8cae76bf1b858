//! `--segment`: several machines that share one load.

use std::collections::BTreeMap;

use super::{loadgate_run, reply};
use crate::stage::{Ended, HttpServer};

/// Of all six executors. Each request tells the scenario and the number of its user.
fn plan(base: &str) -> String {
    let executors = [
        ("shared", "executor: shared-iterations, vus: 4, iterations: 10"),
        ("each", "executor: per-vu-iterations, vus: 5, iterations: 2"),
        ("users", "executor: constant-vus, vus: 4, duration: 1s"),
        (
            "ramp",
            "executor: ramping-vus, start_vus: 0, stages: [{duration: 0s, target: 7}, {duration: 1s, target: 7}]",
        ),
        ("rate", "executor: constant-arrival-rate, rate: 20, duration: 1s, pre_allocated_vus: 40"),
        (
            "rising",
            "executor: ramping-arrival-rate, stages: [{duration: 1s, target: 15}], pre_allocated_vus: 40",
        ),
    ];
    let scenario = |(name, keys): (&str, &str)| {
        // Whoever iterates for a second does so once, however busy this machine is.
        let flow =
            format!("[{{http: {{url: '{base}/{{{{ scenario }}}}/{{{{ vu }}}}'}}}}, {{sleep: 1500ms}}]");
        format!("  {name}: {{{keys}, flow: {flow}}}\n")
    };
    format!("name: segments\nscenarios:\n{}", executors.map(scenario).concat())
}

/// How many requests each scenario sent, and the numbers of its users.
fn seen(server: &HttpServer) -> BTreeMap<String, (u64, Vec<u64>)> {
    let mut seen: BTreeMap<String, (u64, Vec<u64>)> = BTreeMap::new();
    for asked in server.asked() {
        let (scenario, vu) = asked.path[1..].split_once('/').unwrap();
        let (requests, users) = seen.entry(scenario.to_owned()).or_default();
        *requests += 1;
        users.push(vu.parse().unwrap());
        users.sort_unstable();
        users.dedup();
    }
    seen
}

#[test]
fn the_parts_of_all_machines_are_the_whole_load() {
    let server = HttpServer::start(|_| async { reply(200, "ok") });
    let machines: Vec<_> = ["1/3", "2/3", "3/3"]
        .iter()
        .map(|segment| {
            let (mut command, folder) =
                loadgate_run(&plan(&server.url()), &["--segment", segment, "--testid", "one"]);
            (command.spawn().unwrap(), folder)
        })
        .collect();
    let ended: Vec<Ended> = machines
        .into_iter()
        .map(|(process, folder)| Ended::of(process.wait_with_output().unwrap(), folder))
        .collect();
    for (ended, segment) in ended.iter().zip(["0:1/3", "1/3:2/3", "2/3:1"]) {
        let said = format!("interrupted iterations, segment {segment} of the load\n");
        // A machine that is busy makes a run inconclusive; what it sent is the same.
        assert!(ended.stdout.contains(&said), "{}\n{}", ended.stdout, ended.stderr);
        assert_eq!(ended.export()["segment"], segment);
        assert_eq!(ended.export()["testid"], "one");
    }
    let counts: BTreeMap<String, u64> =
        seen(&server).into_iter().map(|(name, (count, _))| (name, count)).collect();
    let expected = [("each", 10), ("ramp", 7), ("rate", 21), ("rising", 7), ("shared", 10), ("users", 4)];
    assert_eq!(counts, expected.map(|(name, count)| (name.to_owned(), count)).into());
    let users: Vec<u64> = seen(&server).into_values().flat_map(|(_, users)| users).collect();
    let mut unique = users.clone();
    unique.sort_unstable();
    unique.dedup();
    assert_eq!(unique.len(), users.len(), "no two users of any machine have the same number: {users:?}");
}

#[test]
fn the_first_machine_of_four_describes_its_part() {
    let server = HttpServer::start(|_| async { reply(200, "ok") });
    let arguments = ["--segment", "0:25%", "--segment-sequence", "0,1/4,1/2,1"];
    let ended = Ended::run(&plan(&server.url()), &arguments);
    for said in [
        "segment 0:1/4 of the load",
        "(3 iterations shared among 1 VUs (maxDuration: 10m, gracefulStop: 30s))",
        "(2 iterations for each of 1 VUs",
    ] {
        assert!(ended.stdout.contains(said), "`{said}` is not in:\n{}\n{}", ended.stdout, ended.stderr);
    }
}

#[test]
fn a_part_without_a_user_is_refused_before_it_sends_nothing() {
    let plan =
        "name: few\nscenarios:\n  s: {executor: constant-vus, vus: 3, duration: 1s, flow: [{sleep: 1s}]}\n";
    let said = "none of the plan's 3 VUs falls to this part: it would send no load; use fewer parts";
    let empty = (1..=4).filter(|part| {
        let ended = Ended::run(plan, &["--segment", &format!("{part}/4")]);
        assert!(ended.code == 0 || ended.code == 2 && ended.stderr.contains(said), "{}", ended.stderr);
        ended.code == 2
    });
    assert_eq!(empty.count(), 1);
}

#[test]
fn what_is_no_segment_is_a_usage_error() {
    for (arguments, said) in [
        (
            vec!["--segment", "0/3"],
            "--segment: expected a part such as 2/3 (the second of three), from 1/N to N/N, found `0/3`",
        ),
        (vec!["--segment", "4/3"], "found `4/3`"),
        (
            vec!["--segment", "1/3:1/2", "--segment-sequence", "0,1/3,2/3,1"],
            "the segment `1/3:1/2` is no part of the sequence `0,1/3,2/3,1`",
        ),
        (vec!["--segment", "1/3", "--segment-sequence", "0,1/3,2/3,1"], "expected a segment such as 1/3:2/3"),
        (vec!["--segment", "x:1"], "`x` is neither a fraction such as 1/3"),
        (vec!["--segment-sequence", "0,1"], "--segment <PART>"),
    ] {
        let ended = Ended::run(&plan("http://127.0.0.1:9"), &arguments);
        assert!(
            ended.code == 2 && ended.stderr.contains(said),
            "{arguments:?}: {} {}",
            ended.code,
            ended.stderr
        );
    }
}

//! `loadgate doctor`: what it finds with real sockets, and its exit code.

use super::*;

/// The findings of the doctor, as `LEVEL CHECK: WHAT`, and its exit code.
fn findings(plan: Option<&str>, arguments: &[&str]) -> (Vec<String>, i32) {
    let folder = tempfile::TempDir::new().unwrap();
    let mut command = loadgate();
    command.arg("doctor").arg("--json").args(arguments).current_dir(folder.path());
    if let Some(plan) = plan {
        std::fs::write(folder.path().join("plan.yml"), plan).unwrap();
        command.arg("plan.yml");
    }
    let output = command.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let list: Value = serde_json::from_str(&text)
        .unwrap_or_else(|error| panic!("{error}: {text} {}", String::from_utf8_lossy(&output.stderr)));
    let shown = |finding: &Value| {
        let of = |key: &str| finding[key].as_str().unwrap_or_default().to_owned();
        assert_eq!(finding["mend"].is_null(), of("level") == "ok", "{finding}");
        format!("{} {}: {}", of("level"), of("check"), of("what"))
    };
    (list.as_array().unwrap().iter().map(shown).collect(), output.status.code().unwrap())
}

fn assert_found(found: &[String], expected: &str) {
    assert!(found.iter().any(|finding| finding.contains(expected)), "`{expected}` is not in {found:#?}");
}

/// A scenario that asks `url`, with more top-level keys.
fn asking(url: &str, rest: &str) -> String {
    plan(url, rest)
}

#[test]
fn a_target_that_answers_is_well_and_one_that_does_not_is_a_problem() {
    let target = demo_target(&[]);
    let scrape = format!(
        "scrape: [{{job: backend, url: '{}/metrics', interval: 1s}}]\nprobes: {{hz: {{query: backend_loop_hz}}}}",
        target.http()
    );
    let (found, code) = findings(Some(&asking(&target.http(), &scrape)), &[]);
    assert_eq!(code, 0, "{found:#?}");
    assert_found(&found, "ok target: http://127.0.0.1");
    assert_found(&found, "ok scrape: backend");
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (found, code) = findings(Some(&asking(&format!("http://{nobody}"), "")), &[]);
    assert_eq!(code, 1, "{found:#?}");
    assert_found(&found, "connection refused");
}

#[test]
fn a_probe_of_a_metric_that_is_not_there_is_a_problem_with_the_nearest_names() {
    let target = demo_target(&[]);
    let rest = format!(
        "scrape: [{{job: backend, url: '{}/metrics', interval: 1s}}]\nprobes: {{hz: {{query: 'avg(backend_loop_hertz)'}}}}",
        target.http()
    );
    let (found, code) = findings(Some(&asking(&target.http(), &rest)), &[]);
    assert_eq!(code, 1, "{found:#?}");
    assert_found(
        &found,
        "problem probe: `hz` asks for `backend_loop_hertz`, which no target exposes; the nearest are: backend_loop_hz",
    );
}

#[test]
fn a_target_that_refuses_or_breaks_or_lives_in_another_time_is_told() {
    for (status, date, expected) in [
        (403, "", "warning target"),
        (500, "", "problem target"),
        (200, "date: Thu, 01 Jan 2015 00:00:00 GMT\r\n", "warning clock: 127.0.0.1 is"),
    ] {
        let server =
            HttpServer::start(move |_| async move { crate::stage::reply_with(status, date, "said") });
        let (found, _) = findings(Some(&asking(&server.url(), "")), &[]);
        assert_found(&found, expected);
    }
}

#[test]
fn more_users_than_local_ports_are_a_problem() {
    let target = demo_target(&[]);
    let plan = plan_of(&target.http(), "", "executor: constant-vus, vus: 1000000, duration: 1s", "50ms");
    let (found, code) = findings(Some(&plan), &[]);
    assert_eq!(code, 1, "{found:#?}");
    assert_found(&found, "problem ports: ");
    assert_found(&found, "and the plan has 1000000 users");
}

#[test]
fn services_are_asked_where_they_are_named() {
    let services = HttpServer::start(|asked: crate::stage::Asked| async move {
        match asked.path.as_str() {
            "/-/ready" | "/-/healthy" => reply(200, "Prometheus Server is Ready.\n"),
            "/api/v1/targets?state=active" => reply(200, r#"{"data":{"activeTargets":[]}}"#),
            "/api/health" => reply(200, r#"{"database":"ok"}"#),
            "/api/v1/status/buildinfo" => reply(200, r#"{"data":{"revision":"loadgate 0.0.0"}}"#),
            _ => reply(404, ""),
        }
    });
    let url = services.url();
    let named = ["--prometheus", &url, "--alertmanager", &url, "--grafana", &url, "--server", &url];
    let (found, code) = findings(None, &named);
    assert_eq!(code, 1, "{found:#?}");
    for expected in [
        "ok prometheus: ",
        "problem prometheus: it does not scrape loadgate",
        "ok alertmanager: ",
        "ok grafana: ",
        "warning daemon: ",
    ] {
        assert_found(&found, expected);
    }
    let nobody = format!("http://{}", TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap());
    let named =
        ["--prometheus", &nobody, "--alertmanager", &nobody, "--grafana", &nobody, "--server", &nobody];
    let (found, code) = findings(None, &named);
    assert_eq!(code, 1, "{found:#?}");
    for check in ["prometheus", "alertmanager", "grafana", "daemon"] {
        assert_found(&found, &format!("problem {check}: {nobody}"));
    }
}

#[test]
fn a_configuration_is_looked_at_with_the_folder_that_it_names() {
    let folder = tempfile::TempDir::new().unwrap();
    let config = folder.path().join("loadgate.yml");
    let listen = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    std::fs::write(&config, format!("listen: {listen}\ndata_dir: /proc/none/data\n")).unwrap();
    let (found, code) = findings(None, &["--config", config.to_str().unwrap()]);
    assert_eq!(code, 1, "{found:#?}");
    assert_found(&found, "problem data_dir: /proc/none/data cannot be written");
    assert_found(&found, &format!("problem daemon: http://{listen}"));
}

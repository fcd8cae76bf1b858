//! Canaries: secrets of every kind go into a run, and are looked for in everything that comes out of it.

use std::io::Read as _;
use std::net::SocketAddr;

use super::*;
use crate::stage::{Serving, get};

/// From the environment, by `--env`, in URLs, headers and bodies, and in the file under a name that says so.
const CANARIES: [&str; 4] =
    ["canary-token-c7", "canary/pass word&7", "canary-userinfo-d4", "canary-literal-e8"];

const VARS: &str = "\
vars: {BASE: null, API_TOKEN: null, DB_PASSWORD: null, OWN_SECRET: canary-literal-e8}
scrape: [{job: backend, url: 'http://u:${API_TOKEN}@127.0.0.1:1/${API_TOKEN}', interval: 200ms}]
";
const FLOW: &str = "\
scenarios:
  s:
    executor: per-vu-iterations
    vus: 1
    iterations: 1
    flow:
      - http:
          method: POST
          url: ${BASE}/${API_TOKEN}/x?key=${API_TOKEN}
          headers: {Authorization: 'Bearer ${API_TOKEN}', X-Own: '{{ vars.OWN_SECRET }}'}
          json: {password: '${DB_PASSWORD}', other: '${DB_PASSWORD}'}
          checks: {healthy: status == 200, broken: 'json.nothing == vars.API_TOKEN'}
          capture: {answer: body}
      - log: 'token {{ vars.API_TOKEN }} {{ vars.DB_PASSWORD }} {{ vars.OWN_SECRET }} answer {{ answer }}'
      - http: {url: 'http://{{ vars.API_TOKEN }}.invalid/{{ vars.DB_PASSWORD }}'}
thresholds: {checks: [rate>0.9]}
";

/// Each way in which a canary may be written.
fn spellings() -> Vec<String> {
    let encoded = |text: &str| {
        let form: String = url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
        [text.to_owned(), form.clone(), form.replace('+', "%20"), text.replace('&', "&amp;")]
    };
    CANARIES.into_iter().flat_map(encoded).collect()
}

fn check(what: &str, text: &str) {
    for canary in spellings() {
        let line = text.lines().find(|line| line.contains(&canary));
        assert_eq!(line, None, "`{canary}` is in {what}");
    }
}

/// A server that sends back what it was sent, secrets and all.
fn echo() -> HttpServer {
    HttpServer::start(|asked: crate::stage::Asked| async move { reply(200, &asked.body) })
}

fn arguments(server: &HttpServer) -> Vec<String> {
    let base = server.url().replace("http://", "http://user:canary-userinfo-d4@");
    [
        format!("--env=BASE={base}"),
        "--env=DB_PASSWORD=canary/pass word&7".to_owned(),
        "--env=API_TOKEN=canary-token-c7".to_owned(),
        "--http-debug=full".to_owned(),
    ]
    .into()
}

#[test]
fn no_output_of_a_run_shows_a_secret() {
    let server = echo();
    let folder = tempfile::TempDir::new().unwrap();
    let file = |name: &str| folder.path().join(name).display().to_string();
    for format in ["text", "json"] {
        let mut arguments = arguments(&server);
        arguments.extend([
            format!("--log-format={format}"),
            format!("--out=json={}", file("out.json")),
            format!("--out=csv={}", file("out.csv")),
            format!("--out=vegeta-json={}", file("vegeta.json")),
            format!("--junit={}", file("junit.xml")),
            format!("--report={}", file("report.html")),
        ]);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let ended = Ended::run(&format!("name: canaries\n{VARS}{FLOW}"), &arguments);
        assert_eq!(ended.code, 99, "{}\n{}", ended.stdout, ended.stderr);
        assert!(server.asked().iter().any(|asked| asked.body.contains("canary/pass word&7")), "it was sent");
        assert!(ended.stderr.contains("token ***"), "{}", ended.stderr);
        check("stdout", &ended.stdout);
        check("stderr", &ended.stderr);
        check("the summary's export", &ended.export().to_string());
        for name in ["out.json", "out.csv", "vegeta.json", "junit.xml", "report.html"] {
            let mut text = String::new();
            std::fs::File::open(file(name)).unwrap().read_to_string(&mut text).unwrap();
            assert!(!text.is_empty(), "{name}");
            check(name, &text);
        }
    }
}

#[test]
fn a_preflight_or_a_setup_that_fails_shows_no_secret() {
    let server = HttpServer::start(|asked: crate::stage::Asked| async move { reply(503, &asked.path) });
    for phase in ["preflight", "setup"] {
        let step = format!("{phase}: [{{http: {{url: '${{BASE}}/${{API_TOKEN}}?p=${{DB_PASSWORD}}'}}}}]\n");
        let arguments = arguments(&server);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let ended = Ended::run(&format!("name: canaries\n{VARS}{step}{FLOW}"), &arguments);
        assert_eq!(ended.code, 97, "{}\n{}", ended.stdout, ended.stderr);
        check("stdout", &ended.stdout);
        check("stderr", &ended.stderr);
        check("the summary's export", &ended.export().to_string());
    }
}

#[test]
fn neither_metrics_nor_the_query_api_show_a_secret() {
    let server = echo();
    let arguments = arguments(&server);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let serving = Serving::start(&format!("name: canaries\n{VARS}{FLOW}"), &arguments);
    serving.scrape_until(crate::stage::is_final);
    let address: SocketAddr = serving.address;
    for path in [
        "/metrics",
        "/api/v1/series?match[]=%7B__name__%3D~%22.%2B%22%7D",
        "/api/v1/labels",
        "/api/v1/label/name/values",
        "/api/v1/rules",
        "/api/v1/alerts",
        "/api/v1/targets",
        "/api/v1/metadata",
    ] {
        let answer = ask(address, path);
        assert!(answer.contains("200 OK"), "{path}: {answer}");
        check(path, &answer);
    }
    let (_, metrics) = get(address, "");
    check("/metrics", &String::from_utf8_lossy(&metrics));
}

fn ask(address: SocketAddr, path: &str) -> String {
    use std::io::Write as _;
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn a_secret_is_refused_where_it_would_be_a_label() {
    for place in ["tags: {t: 'x-${API_TOKEN}'}", "tags: {t: '${API_TOKEN}'}"] {
        let plan = format!(
            "name: canaries\n{place}\nvars: {{API_TOKEN: null}}\nscenarios: {{s: {{executor: constant-vus, duration: 1s, flow: [{{sleep: 1s}}]}}}}\n"
        );
        let ended = Ended::run(&plan, &["--env=API_TOKEN=canary-token-c7"]);
        assert_eq!(ended.code, 104, "{}", ended.stderr);
        assert!(ended.stderr.contains("no secret can stand here"), "{}", ended.stderr);
        check("stderr", &ended.stderr);
    }
}

//! Bodies of every kind, and who asks, as a server sees them.

use std::fs;
use std::io::Read as _;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::once;
use crate::stage::{Asked, HttpServer, Ran, demo_target, reply, reply_with, run};

fn run_flow(server: &HttpServer, flow: &str) -> Ran {
    let ran = run(&once(&flow.replace("{base}", &server.url()), ""));
    assert_eq!(ran.count("k6_iteration_errors_total", &[]), 0, "{}", ran.notes());
    ran
}

/// What the server was asked at this path, by one of the users.
fn asked(flow: &str, path: &str) -> Asked {
    let server = HttpServer::start(|_| async { reply(200, "") });
    run_flow(&server, flow);
    server.asked().into_iter().find(|asked| asked.path == path).unwrap()
}

/// A folder with a file of bytes that are no text.
fn folder() -> (TempDir, String) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("photo \"1\".png");
    fs::write(&path, b"\x89PNG\r\n\x00\xff").unwrap();
    let path = path.to_str().unwrap().to_owned();
    (folder, path)
}

#[test]
fn a_file_is_sent_as_it_is() {
    let (_folder, path) = folder();
    let raw = asked(&format!("- http: {{url: '{{base}}/', file: '{path}'}}"), "/");
    assert_eq!((raw.method.as_str(), raw.bytes.as_slice()), ("POST", &b"\x89PNG\r\n\x00\xff"[..]));
    assert_eq!(raw.header("content-type"), Some("application/octet-stream"));
    let flow = format!(
        "- http: {{url: '{{base}}/', method: PUT, file: '{path}', headers: {{Content-Type: image/png}}}}"
    );
    let raw = asked(&flow, "/");
    assert_eq!((raw.method.as_str(), raw.header("content-type")), ("PUT", Some("image/png")));
}

#[test]
fn a_multipart_body_has_a_boundary_of_its_own_each_time() {
    let (_folder, path) = folder();
    let server = HttpServer::start(|_| async { reply(200, "") });
    run_flow(
        &server,
        &format!(
            "- http:\n    \
               url: '{{base}}/'\n    \
               multipart:\n      \
                 - {{name: title, value: 'user {{{{ vu > 0 }}}}'}}\n      \
                 - {{name: meta, value: '{{\"a\": 1}}', content_type: application/json}}\n      \
                 - {{name: photo, file: '{path}'}}\n      \
                 - {{name: 'q\"x', file: '{path}', filename: a.png, content_type: image/png}}"
        ),
    );
    let all = server.asked();
    let boundaries: Vec<&str> = all
        .iter()
        .map(|asked| {
            asked.header("content-type").unwrap().strip_prefix("multipart/form-data; boundary=").unwrap()
        })
        .collect();
    assert_ne!(boundaries[0], boundaries[1]);
    let boundary = boundaries[0];
    let file: &[u8] = b"\x89PNG\r\n\x00\xff";
    let parts: [(&str, &[u8]); 4] = [
        ("name=\"title\"", b"user true"),
        ("name=\"meta\"\r\nContent-Type: application/json", b"{\"a\": 1}"),
        ("name=\"photo\"; filename=\"photo %221%22.png\"\r\nContent-Type: application/octet-stream", file),
        ("name=\"q%22x\"; filename=\"a.png\"\r\nContent-Type: image/png", file),
    ];
    let mut expected = Vec::new();
    for (head, content) in parts {
        expected
            .extend(format!("--{boundary}\r\nContent-Disposition: form-data; {head}\r\n\r\n").into_bytes());
        expected.extend_from_slice(content);
        expected.extend_from_slice(b"\r\n");
    }
    expected.extend(format!("--{boundary}--\r\n").into_bytes());
    assert_eq!(all[0].bytes, expected, "{}", all[0].body);
}

#[test]
fn a_form_is_encoded_as_browsers_encode_it() {
    let form =
        asked("- http: {url: '{base}/', form: {'a b': 'x&y=z ü*-._~', 'list[]': '{{ [1] | length }}'}}", "/");
    assert_eq!(form.body, "a+b=x%26y%3Dz+%C3%BC*-._%7E&list%5B%5D=1");
    assert_eq!(form.header("content-type"), Some("application/x-www-form-urlencoded"));
}

#[test]
fn a_body_is_compressed_whether_it_is_known_beforehand_or_not() {
    for body in ["json: {a: 1}", "json: {a: '{{ iteration + 1 }}'}"] {
        let gzip = asked(&format!("- http: {{url: '{{base}}/', {body}, compression: gzip}}"), "/");
        let mut text = String::new();
        flate2::read::GzDecoder::new(gzip.bytes.as_slice()).read_to_string(&mut text).unwrap();
        assert_eq!((text.as_str(), gzip.header("content-encoding")), ("{\"a\":1}", Some("gzip")));
        assert_eq!(gzip.header("content-type"), Some("application/json"));
        let deflate =
            asked(&format!("- http: {{url: '{{base}}/', {body}, compression: [deflate, gzip]}}"), "/");
        let inner = flate2::read::GzDecoder::new(deflate.bytes.as_slice());
        let mut text = String::new();
        flate2::read::ZlibDecoder::new(inner).read_to_string(&mut text).unwrap();
        assert_eq!((text.as_str(), deflate.header("content-encoding")), ("{\"a\":1}", Some("deflate, gzip")));
    }
}

#[test]
fn a_structured_event_is_one_json_document() {
    let event = asked(
        "- http:\n    \
           url: '{base}/'\n    \
           cloudevent:\n      \
             source: /shop/{{ iteration }}\n      \
             type: com.example.order\n      \
             subject: '{{ iteration }}'\n      \
             extensions: {traceid: 'a \"b\"', empty: '{{ \"\" if vu > 0 else \"x\" }}'}\n      \
             data: {vu: '{{ vu > 0 }}', text: 'n {{ iteration }}'}",
        "/",
    );
    assert_eq!(
        (event.method.as_str(), event.header("content-type")),
        ("POST", Some("application/cloudevents+json"))
    );
    let mut document: Value = serde_json::from_str(&event.body).unwrap();
    let mut take = |name: &str| document.as_object_mut().unwrap().shift_remove(name).unwrap();
    let (id, time) = (take("id"), take("time"));
    assert_eq!(id.as_str().map(str::len), Some(36), "{id}");
    assert!(time.as_str().unwrap().ends_with('Z'), "{time}");
    let expected = json!({
        "specversion": "1.0", "source": "/shop/0", "type": "com.example.order", "subject": "0",
        "datacontenttype": "application/json", "traceid": "a \"b\"", "data": {"vu": true, "text": "n 0"},
    });
    assert_eq!(document, expected);
}

#[test]
fn a_binary_event_has_its_attributes_in_headers() {
    let (_folder, path) = folder();
    let flow = "- http:\n    \
           url: '{base}/json'\n    \
           cloudevent: {mode: binary, id: '7', source: 'urn:x:%', type: t, time: 2026-01-31T12:00:00Z, \
             subject: 'Euro € 😀', extensions: {ext1: '{{ vu > 0 }}'}, data: [1, '{{ iteration }}']}\n\
         - http: {url: '{base}/text', cloudevent: {mode: binary, source: s, type: t, datacontenttype: text/plain, data: 'plain {{ iteration }}'}}\n\
         - http: {url: '{base}/none', cloudevent: {mode: binary, source: s, type: t}}\n\
         - http: {url: '{base}/file', cloudevent: {mode: binary, source: s, type: t, file: '{path}'}}\n\
         - http: {url: '{base}/base64', cloudevent: {source: s, type: t, file: '{path}'}}";
    let flow = flow.replace("{path}", &path);
    let event = asked(&flow, "/json");
    let headers = ["ce-specversion", "ce-id", "ce-source", "ce-type", "ce-time", "ce-subject", "ce-ext1"];
    assert_eq!(
        headers.map(|name| event.header(name).unwrap()),
        ["1.0", "7", "urn:x:%25", "t", "2026-01-31T12:00:00Z", "Euro%20%E2%82%AC%20%F0%9F%98%80", "true"]
    );
    assert_eq!((event.body.as_str(), event.header("content-type")), ("[1,0]", Some("application/json")));
    assert_eq!(event.header("ce-datacontenttype"), None);

    let text = asked(&flow, "/text");
    assert_eq!((text.body.as_str(), text.header("content-type")), ("plain 0", Some("text/plain")));
    let none = asked(&flow, "/none");
    assert_eq!(
        (none.body.as_str(), none.header("content-type"), none.header("content-length")),
        ("", None, Some("0"))
    );
    let file = asked(&flow, "/file");
    assert_eq!(file.bytes, b"\x89PNG\r\n\x00\xff");
    assert_eq!(file.header("content-type"), Some("application/octet-stream"));
    let document: Value = serde_json::from_str(&asked(&flow, "/base64").body).unwrap();
    assert_eq!((&document["data_base64"], &document["data"]), (&json!("iVBORw0KAP8="), &Value::Null));
}

#[test]
fn credentials_are_sent_and_stay_with_their_host() {
    let other = HttpServer::start(|_| async { reply(200, "") });
    let there = other.url();
    let server = HttpServer::start(move |asked| {
        let to = match asked.path.as_str() {
            "/here" => Some("/basic".to_owned()),
            "/away" => Some(format!("{there}/there")),
            _ => None,
        };
        async move {
            match to {
                Some(to) => reply_with(302, &format!("location: {to}\r\n"), ""),
                None => reply(200, ""),
            }
        }
    });
    run_flow(
        &server,
        "- http: {url: '{base}/here', auth: {basic: {username: 'user{{ iteration }}', password: 'p:ä'}}}\n\
         - http: {url: '{base}/bearer', auth: {bearer: 'token-{{ iteration }}'}}\n\
         - http: {url: '{base}/constant', auth: {bearer: token}}\n\
         - http: {url: '{base}/away', auth: {bearer: token}}",
    );
    let sent = |server: &HttpServer, path: &str| {
        let asked = server.asked().into_iter().find(|asked| asked.path == path).unwrap();
        asked.header("authorization").map(str::to_owned)
    };
    assert_eq!(sent(&server, "/basic").as_deref(), Some("Basic dXNlcjA6cDrDpA=="));
    assert_eq!(sent(&server, "/bearer").as_deref(), Some("Bearer token-0"));
    assert_eq!(sent(&server, "/constant").as_deref(), Some("Bearer token"));
    assert_eq!((sent(&server, "/away").as_deref(), sent(&other, "/there")), (Some("Bearer token"), None));
}

#[test]
fn a_request_is_as_small_as_its_method_allows() {
    let server = HttpServer::start(|asked| async move {
        match asked.method.as_str() {
            // It says how long the body of a GET would be, and sends none.
            "HEAD" => b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n".to_vec(),
            _ => reply(200, ""),
        }
    });
    let ran = run_flow(
        &server,
        "- http: {url: '{base}/head', method: HEAD, checks: {empty: status == 200 and body == ''}}\n\
         - http: {url: '{base}/post', method: POST}",
    );
    assert_eq!(ran.check("empty"), (2, 0), "{}", ran.notes());
    let length = |path: &str| {
        let asked = server.asked().into_iter().find(|asked| asked.path == path).unwrap();
        asked.header("content-length").map(str::to_owned)
    };
    assert_eq!((length("/head"), length("/post").as_deref()), (None, Some("0")));
}

#[test]
fn the_demo_target_takes_events_of_both_modes() {
    let target = demo_target(&[]);
    let event = "source: /test, type: network.notifi.lambda.build.start, data: {id: '{{ iteration }}'}";
    let flow = format!(
        "- http: {{url: '{0}/events', cloudevent: {{{event}}}, checks: {{structured: status == 202}}}}\n\
         - http: {{url: '{0}/events', cloudevent: {{mode: binary, id: 'e{{{{ vu }}}}', {event}}}, \
           checks: {{binary: 'status == 202 and json.id == \"e\" ~ vu'}}}}",
        target.http()
    );
    let ran = run(&once(&flow, ""));
    assert_eq!((ran.check("structured"), ran.check("binary")), ((2, 0), (2, 0)), "{}", ran.notes());
}

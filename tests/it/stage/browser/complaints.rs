//! What must not happen behind a page that looks right: errors, violations of its policy, failed requests, and requests
//! to anywhere but this machine.

use std::collections::HashMap;

use serde_json::Value;

#[derive(Debug, Default)]
pub(super) struct Complaints {
    list: Vec<String>,
    /// Of requests under way or over, by their ids.
    urls: HashMap<String, String>,
    /// Of each request, in order.
    pub(super) requested: Vec<String>,
}

impl Complaints {
    pub(super) fn hear(&mut self, event: &Value) {
        let about = &event["params"];
        match event["method"].as_str().unwrap_or_default() {
            "Runtime.exceptionThrown" => self.list.push(format!("exception: {}", about["exceptionDetails"])),
            "Runtime.consoleAPICalled" if is_bad(&about["type"]) => {
                self.list.push(format!("console.{}: {}", text(&about["type"]), about["args"]));
            }
            // A test that looks for ink reads canvases more often than any page would.
            "Log.entryAdded" if text(&about["entry"]["text"]).starts_with("Canvas2D: Multiple readback") => {}
            "Log.entryAdded" if is_bad(&about["entry"]["level"]) => {
                let entry = &about["entry"];
                self.list.push(format!(
                    "{}: {} {}",
                    text(&entry["source"]),
                    text(&entry["text"]),
                    text(&entry["url"])
                ));
            }
            "Network.requestWillBeSent" => {
                self.request(text(&about["requestId"]), text(&about["request"]["url"]))
            }
            "Network.responseReceived" => {
                let response = &about["response"];
                if response["status"].as_u64().is_some_and(|status| status >= 400) {
                    self.list.push(format!("{}: {}", response["status"], text(&response["url"])));
                }
            }
            // What the page itself gave up is no failure.
            "Network.loadingFailed" if about["canceled"] != true => {
                let url = self.urls.get(text(&about["requestId"])).map_or("?", String::as_str);
                self.list.push(format!("{}: {url}", text(&about["errorText"])));
            }
            _ => {}
        }
    }

    fn request(&mut self, id: &str, url: &str) {
        let here = ["http://127.0.0.1:", "http://localhost:", "data:", "blob:", "file:", "about:"];
        if !here.iter().any(|prefix| url.starts_with(prefix)) {
            self.list.push(format!("asked for {url}, which is not here"));
        }
        self.urls.insert(id.to_owned(), url.to_owned());
        self.requested.push(url.to_owned());
    }

    /// Forgets those that the test expected; how many they were.
    pub(super) fn forgive(&mut self, expected: impl Fn(&str) -> bool) -> usize {
        let before = self.list.len();
        self.list.retain(|complaint| !expected(complaint));
        before - self.list.len()
    }

    pub(super) fn list(&self) -> &[String] {
        &self.list
    }
}

fn is_bad(level: &Value) -> bool {
    ["error", "warning", "assert"].contains(&text(level))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

//! `/openapi.json`: as it is kept, and as the routes are.

use std::collections::BTreeSet;

use serde_json::Value;

use super::client::ask;
use super::scopes::ROUTES;
use crate::stage::FakeDaemon;

fn document() -> (String, Value) {
    let server = FakeDaemon::new().serve_on_loopback();
    let answer = ask(&server, "GET", "/openapi.json", "", "");
    answer.check(200);
    (answer.text().to_owned(), answer.json())
}

#[test]
fn the_document_is_the_one_that_is_kept() {
    let (text, json) = document();
    assert_eq!(json["openapi"], "3.1.0");
    insta::with_settings!({snapshot_path => concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden"), prepend_module_to_snapshot => false, omit_expression => true}, {
        insta::assert_snapshot!("openapi", text);
    });
}

#[test]
fn every_route_is_in_the_document_with_its_scope_and_nothing_else_is() {
    let (_, json) = document();
    let mut documented = BTreeSet::new();
    for (path, methods) in json["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let scope = operation["security"][0]["token"][0].as_str().map(str::to_owned);
            documented.insert((method.clone(), path.clone(), scope));
        }
    }
    let routed = ROUTES.map(|(method, path, scope)| {
        (method.to_owned(), path.to_owned(), scope.map(|scope| scope.name().to_owned()))
    });
    assert_eq!(documented, BTreeSet::from(routed));
}

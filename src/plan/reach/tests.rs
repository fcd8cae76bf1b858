//! Which hosts a plan names when it is loaded, and what is refused then.

use std::path::Path;

use crate::config::{LoadOptions, read};
use crate::plan::{Plan, Reach, compile_within};
use crate::protocol::{AllowedTarget, Blocked};

/// A plan whose only scenario asks `url`, with more top-level keys.
fn compiled(url: &str, more: &str, reach: &Reach) -> Result<Plan, String> {
    let plan = format!(
        "name: a\n{more}\nscenarios:\n  s:\n    executor: constant-vus\n    duration: 1s\n    flow:\n      - http: {{url: {url:?}}}\n"
    );
    let loaded = read("plan.yml", &plan, &LoadOptions::default()).map_err(|problems| problems.to_string())?;
    compile_within(&loaded, Path::new(""), reach).map_err(|problems| problems.to_string())
}

fn daemon(allow: &[&str]) -> Reach {
    let allow = allow.iter().map(|text| text.parse::<AllowedTarget>().unwrap()).collect();
    Reach::Daemon { allow, own: "127.0.0.1:5665".parse().unwrap() }
}

#[test]
fn in_the_foreground_load_goes_to_this_machine_and_to_what_the_plan_names() {
    let vars = "vars: {BASE: \"https://base.test\", HOST: host.test, PORT: 80, WORD: word.test}";
    for (url, host, expected) in [
        ("http://shop.test/", "shop.test", Ok(())),
        ("http://shop.test/", "localhost", Ok(())),
        ("http://shop.test/", "127.0.0.1", Ok(())),
        ("http://shop.test/", "www.shop.test", Err(Blocked::Host)),
        ("http://user:secret@shop.test:81/", "shop.test", Ok(())),
        ("http://10.0.0.1/", "10.0.0.1", Ok(())),
        ("http://10.0.0.1/", "10.0.0.2", Err(Blocked::Address)),
        ("http://shop.test/{{ vu }}", "shop.test", Ok(())),
        ("http://shop.test{{ vu }}", "shop.test", Err(Blocked::Host)),
        ("{{ vars.BASE }}/x", "base.test", Ok(())),
        ("{{ vars.BASE }}", "base.test", Ok(())),
        ("{{vars.BASE}}/{{ vu }}", "base.test", Ok(())),
        ("{{ vars.BASE }}.evil.test/", "base.test.evil.test", Ok(())),
        ("{{ vars.BASE }}.evil.test/", "base.test", Err(Blocked::Host)),
        ("http://{{ vars.HOST }}:{{ vars.PORT }}/{{ vu }}", "host.test", Ok(())),
        ("http://{{ vars.HOST }}.{{ vu }}/", "host.test", Err(Blocked::Host)),
        ("http://shop.test/", "word.test", Err(Blocked::Host)),
    ] {
        let plan = compiled(url, vars, &Reach::default()).unwrap();
        let guard = &plan.settings.guard;
        let found = guard.check_unresolved(host, 80);
        assert_eq!(found, expected, "{host} of {url}");
    }
}

#[test]
fn more_is_allowed_by_name() {
    let more = Reach::Foreground { more: vec!["*.shop.test".parse().unwrap()] };
    let plan = compiled("http://shop.test/", "", &more).unwrap();
    assert_eq!(plan.settings.guard.check_host("www.shop.test"), Ok(()));
}

#[test]
fn a_scenarios_own_variables_name_hosts_too() {
    let more = "vars: {HOST: one.test}";
    let plan = "name: a\nvars: {HOST: one.test}\nscenarios:\n  s:\n    executor: constant-vus\n    duration: 1s\n    vars: {HOST: two.test}\n    flow:\n      - http: {url: \"http://{{ vars.HOST }}/\"}\n";
    let loaded = read("plan.yml", plan, &LoadOptions::default()).unwrap();
    let plan = compile_within(&loaded, Path::new(""), &Reach::default()).unwrap();
    assert_eq!(plan.settings.guard.check_unresolved("two.test", 80), Ok(()));
    let without = compiled("http://{{ vars.HOST }}/", more, &Reach::default()).unwrap();
    assert_eq!(without.settings.guard.check_unresolved("two.test", 80), Err(Blocked::Host));
}

#[test]
fn what_dns_hosts_say_is_asked_as_an_address() {
    let hosts = |address: &str| format!("defaults: {{dns: {{hosts: {{shop.test: {address:?}}}}}}}");
    assert!(compiled("http://shop.test/", &hosts("10.0.0.9:81"), &Reach::default()).is_ok());
    assert!(compiled("http://shop.test/", &hosts("127.0.0.1"), &daemon(&["localhost"])).is_ok());
    for (address, allow) in [
        ("127.0.0.1", "shop.test"),
        ("10.0.0.9:81", "shop.test"),
        ("169.254.169.254", "shop.test"),
        ("[::ffff:169.254.169.254]:80", "0.0.0.0/0"),
    ] {
        let refused = compiled("http://shop.test/", &hosts(address), &daemon(&[allow])).unwrap_err();
        assert!(refused.contains(&format!("`{address}` is ")), "{address}: {refused}");
    }
}

#[test]
fn a_daemon_refuses_a_plan_whose_urls_name_what_it_does_not_allow() {
    for (url, allow, refused) in [
        ("http://localhost:4000/", &["localhost"][..], None),
        ("http://127.0.0.1:4000/", &["localhost"], None),
        ("http://a.staging.test/", &["*.staging.test"], None),
        ("http://db.internal/", &["10.0.0.0/8"], None),
        ("http://{{ vu }}.test/", &["localhost"], None),
        ("http://evil.test/", &["shop.test"], Some("`evil.test` is not an allowed target")),
        ("http://evil.test@shop.test/", &["shop.test"], None),
        ("http://shop.test@evil.test/", &["shop.test"], Some("`evil.test` is not an allowed target")),
        ("http://10.0.0.1/", &["shop.test"], Some("`10.0.0.1` is not an allowed target address")),
        ("http://169.254.169.254/latest/", &["0.0.0.0/0"], Some("`169.254.169.254` is never a target")),
        ("http://2852039166/", &["0.0.0.0/0"], Some("`2852039166` is never a target")),
        ("http://localhost:5665/api/v1/runs", &["localhost"], None),
        ("http://127.0.0.1:5665/api/v1/runs", &["localhost"], Some("`127.0.0.1` is loadgate's own API")),
    ] {
        let compiled = compiled(url, "", &daemon(allow)).map(drop);
        match refused {
            None => assert_eq!(compiled, Ok(()), "{url}"),
            Some(why) => {
                let error = compiled.unwrap_err();
                assert!(error.contains(why) && error.contains("plan.yml:8:21"), "{url}: {error}");
            }
        }
    }
    let scrape = "scrape: [{job: a, url: \"http://evil.test/metrics\"}]";
    let error = compiled("http://shop.test/", scrape, &daemon(&["shop.test"])).unwrap_err();
    assert!(
        error.contains("`evil.test` is not an allowed target") && error.contains("plan.yml:2:"),
        "{error}"
    );
}

#[test]
fn nobody_may_load_a_metadata_service_in_the_foreground_either() {
    let error = compiled("http://169.254.169.254/", "", &Reach::default()).unwrap_err();
    assert!(error.contains("`169.254.169.254` is never a target"), "{error}");
    assert!(!error.contains("the daemon's configuration"), "{error}");
}

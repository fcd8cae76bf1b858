//! Proxies that the environment names.

use super::plan;
use crate::stage::{Ended, HttpServer, loadgate, loadgate_run, reply};

#[test]
fn a_run_goes_through_the_proxy_of_its_environment_but_for_this_machine() {
    let proxy = HttpServer::start(|_| async { reply(200, "x") });
    let (mut command, folder) = loadgate_run(&plan("http://shop.test", ""), &[]);
    let ended = Ended::of(command.env("HTTP_PROXY", proxy.url()).output().unwrap(), folder);
    ended.check(0, &["verdict: PASSED"]);
    assert!(proxy.requests() > 0);
    for asked in proxy.asked() {
        assert_eq!(
            (asked.path.as_str(), asked.header("host")),
            ("http://shop.test/health", Some("shop.test"))
        );
    }

    let (target, unused) = (HttpServer::start(|_| async { reply(200, "x") }), proxy.requests());
    let (mut command, folder) = loadgate_run(&plan(&target.url(), ""), &[]);
    Ended::of(command.env("HTTP_PROXY", proxy.url()).output().unwrap(), folder).check(0, &[]);
    assert!(target.requests() > 0 && proxy.requests() == unused);
}

#[test]
fn a_proxy_that_cannot_be_used_is_refused_without_its_password() {
    let (_, folder) = loadgate_run(&plan("http://shop.test", ""), &[]);
    let mut check = loadgate();
    check.arg("check").arg(folder.path().join("plan.yml")).env("https_proxy", "socks5://user:secret@p.test");
    let ended = Ended::of(check.output().unwrap(), folder);
    assert_eq!(ended.code, 104, "{}", ended.stderr);
    let said = "error: failed to use the proxy in the environment variable https_proxy: \
                only `http://` proxies are supported\n";
    assert!(ended.stderr.starts_with(said) && !ended.stderr.contains("secret"), "{}", ended.stderr);
}

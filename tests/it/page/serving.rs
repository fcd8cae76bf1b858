//! What the page is made of, and that nothing of it comes from elsewhere.

use serde_json::Value;

use crate::stage::{Browser, Daemon, HttpServer, reply_with};

#[test]
fn the_page_opens_without_an_error_and_with_nothing_from_elsewhere() {
    let daemon = Daemon::start("", &[]);
    let Some(mut browser) = Browser::start() else { return };
    let here = format!("http://{}/", daemon.address);
    browser.open(&here);
    browser.wait("document.querySelector('main')?.innerText.trim()", "something to read");
    let requested = browser.requested();
    assert!(requested.iter().any(|url| url.ends_with("/page/app.js")), "{requested:?}");
    for url in requested {
        assert!(url.starts_with(&here) || url.starts_with("data:"), "{url}");
    }
}

#[test]
fn what_is_written_into_the_page_is_not_run() {
    let daemon = Daemon::start("", &[]);
    let Some(mut browser) = Browser::start() else { return };
    browser.open(&format!("http://{}/", daemon.address));
    browser.evaluate(
        "(() => { const script = document.createElement('script');
            script.textContent = 'globalThis.ran = true';
            document.body.append(script);
            const image = document.createElement('img');
            image.setAttribute('onerror', 'globalThis.ran = true');
            image.src = 'data:,';
            document.body.append(image); })()",
    );
    browser.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))");
    assert_eq!(browser.evaluate("globalThis.ran ?? null"), Value::Null);
    let violations = browser.forgive(|complaint| complaint.contains("Content Security Policy"));
    assert!(violations >= 2, "the script and the handler: {violations}");
}

#[test]
fn each_file_is_served_as_what_it_is_and_is_asked_for_again() {
    let daemon = Daemon::start("", &[]);
    let ask = |path: &str| daemon.ask("GET", path, "", &Value::Null);
    let index = ask("/");
    assert_eq!(index.status, 200);
    for header in [
        "content-type: text/html",
        "default-src 'none'",
        "frame-ancestors 'none'",
        "nosniff",
        "cache-control: no-cache",
    ] {
        assert!(index.head.contains(header), "{header} is not in {}", index.head);
    }
    assert!(!index.head.contains("unsafe"), "{}", index.head);
    for asset in loadgate::page::ASSETS {
        let answer = ask(&format!("/page/{}", asset.name));
        assert_eq!((answer.status, answer.text()), (200, asset.text), "{}", asset.name);
        assert!(answer.head.contains(&format!("content-type: {}", asset.media_type())), "{}", answer.head);
        assert!(answer.head.contains("cache-control: no-cache"), "{}", answer.head);
    }
    assert_eq!(ask("/page/none.js").status, 404);
}

/// Else the other tests would see nothing.
#[test]
fn what_a_page_does_wrong_is_heard() {
    let Some(mut browser) = Browser::start() else { return };
    let server = HttpServer::start(|asked| {
        let page = "<script>console.error('said'); setTimeout(() => { throw new Error('thrown'); });\
                    fetch('/gone'); fetch('http://192.0.2.1/').catch(() => {});\
                    Promise.reject(new Error('rejected'));</script>";
        let answer = if asked.path == "/" {
            reply_with(200, "content-type: text/html\r\n", page)
        } else {
            reply_with(404, "", "")
        };
        async { answer }
    });
    // Nobody may really be asked.
    browser.page("Network.setBlockedURLs", &serde_json::json!({"urls": ["*://192.0.2.1/*"]}));
    browser.open(&server.url());
    for wrong in
        ["console.error: ", "Error: thrown", "Error: rejected", "404: ", "asked for http://192.0.2.1/"]
    {
        let mut heard = 0;
        while heard == 0 {
            browser.wait("true", "the page");
            heard = browser.forgive(|complaint| complaint.contains(wrong));
        }
    }
    browser.forgive(|_| true);
}

/// The shell's and the panels' are made apart: a rule of one must not lay out what is the other's.
#[test]
fn no_class_has_rules_in_two_files() {
    let pattern = regex::Regex::new(r"\.([a-zA-Z][\w-]*)").unwrap();
    let mut files = std::collections::BTreeMap::<String, &str>::new();
    for asset in loadgate::page::ASSETS.iter().filter(|asset| asset.name.ends_with(".css")) {
        let rules = asset.text.split('}').filter_map(|rule| rule.rsplit_once('{'));
        for (selectors, _) in rules {
            for [class] in pattern.captures_iter(selectors).map(|found| found.extract().1) {
                let file = files.entry(class.to_owned()).or_insert(asset.name);
                assert_eq!(*file, asset.name, "`.{class}`");
            }
        }
    }
    assert!(files.len() > 50, "the selectors are found: {files:?}");
}

//! The cookies of one VU: those that servers set, sent back where RFC 6265 says so.
//!
//! As in k6 a jar belongs to a VU and is empty again at each iteration, public suffixes are not known, and a
//! `Secure` cookie stays off plain connections, also to this machine.

use std::cell::RefCell;
use std::cmp::Reverse;

use cookie_store::{Cookie, CookieStore, RawCookie, StoreAction};
use http::HeaderMap;
use http::header::SET_COOKIE;
use url::Url;

use crate::protocol::Target;

/// A jar holds this many cookies; the least that RFC 6265 asks of a client, for one domain.
const MAX_COOKIES: usize = 50;
/// One cookie, with its attributes, in bytes: the least that RFC 6265 asks of a client.
const MAX_COOKIE_BYTES: usize = 4096;
/// All cookies of a jar, in bytes: what 1,000 VUs can afford with a hostile server.
const MAX_JAR_BYTES: usize = 32 << 10;

/// What a person reads when a server sets more than a jar holds.
pub(super) const DROPPED: &str =
    "a cookie was dropped: a user keeps at most 50 cookies of 4 KiB each, 32 KiB together";

/// Nothing but a word or two until the first cookie comes.
#[derive(Debug, Default)]
pub(super) struct CookieJar(RefCell<Option<Box<CookieStore>>>);

impl CookieJar {
    pub(super) fn clear(&mut self) {
        self.0.get_mut().take();
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.borrow().is_none()
    }

    /// Appends what belongs into the header `Cookie` of a request, `name=value` with `; ` between them, but
    /// for the cookies named in `replaced`. The longest paths come first, then the oldest cookies.
    pub(super) fn write(&self, target: &Target, replaced: &[&str], out: &mut Vec<u8>) {
        let jar = self.0.borrow();
        let Some((store, url)) = jar.as_ref().zip(target.http_url()) else { return };
        let mut cookies = store.matches(&url);
        cookies.sort_by_key(|cookie| Reverse(cookie.path.len()));
        let plain = !target.origin().secure();
        for cookie in cookies {
            if plain && cookie.secure() == Some(true) || replaced.contains(&cookie.name()) {
                continue;
            }
            write_pair(cookie.name(), cookie.value(), out);
        }
    }

    /// Takes in what a response sets. The number of cookies that found no room.
    pub(super) fn take(&self, target: &Target, headers: &HeaderMap) -> usize {
        let mut set = headers.get_all(SET_COOKIE).iter().peekable();
        if set.peek().is_none() {
            return 0;
        }
        let Some(url) = target.http_url() else { return 0 };
        let mut jar = self.0.borrow_mut();
        let store = jar.get_or_insert_default();
        let texts = set.filter_map(|value| std::str::from_utf8(value.as_bytes()).ok());
        let dropped = texts.filter(|text| !insert(store, text, &url)).count();
        if store.iter_any().next().is_none() {
            *jar = None;
        }
        dropped
    }
}

/// `a=1; b=2`
pub(super) fn write_pair(name: &str, value: &str, out: &mut Vec<u8>) {
    if !out.is_empty() {
        out.extend_from_slice(b"; ");
    }
    out.extend_from_slice(name.as_bytes());
    out.push(b'=');
    out.extend_from_slice(value.as_bytes());
}

/// Whether there was room for it. A cookie that RFC 6265 has a client ignore needs none.
fn insert(store: &mut CookieStore, text: &str, url: &Url) -> bool {
    if text.len() > MAX_COOKIE_BYTES {
        return false;
    }
    let Ok(cookie) = RawCookie::parse(text).map_err(drop).and_then(|raw| bare(&raw, url)) else {
        return true;
    };
    let place = cookie.domain.as_cow().map(|domain| (domain.into_owned(), String::from(&*cookie.path)));
    let known = |store: &CookieStore| {
        place.as_ref().is_some_and(|(domain, path)| store.contains_any(domain, path, cookie.name()))
    };
    let (size, is_known) = (size(&cookie), known(store));
    if !cookie.is_expired() && !is_known && !has_room(store, size) {
        forget_expired(store);
        if !has_room(store, size) {
            return false;
        }
    }
    let name = cookie.name().to_owned();
    if let (Ok(StoreAction::ExpiredExisting), Some((domain, path))) = (store.insert(cookie, url), place) {
        store.remove(&domain, &path, &name);
    }
    true
}

/// The cookie without the text it came in, of which servers may have written anything.
fn bare(parsed: &RawCookie<'_>, url: &Url) -> Result<Cookie<'static>, ()> {
    let mut raw = RawCookie::new(parsed.name().to_owned(), parsed.value().to_owned());
    raw.set_secure(parsed.secure());
    raw.set_http_only(parsed.http_only());
    raw.set_max_age(parsed.max_age());
    raw.set_expires(parsed.expires_datetime());
    if let Some(path) = parsed.path() {
        raw.set_path(path.to_owned());
    }
    if let Some(domain) = parsed.domain() {
        raw.set_domain(domain.to_owned());
    }
    Cookie::try_from_raw_cookie(&raw, url).map_err(drop)
}

fn has_room(store: &CookieStore, size_bytes: usize) -> bool {
    let held: usize = store.iter_any().map(size).sum();
    store.iter_any().count() < MAX_COOKIES && held + size_bytes <= MAX_JAR_BYTES
}

fn size(cookie: &Cookie<'_>) -> usize {
    cookie.name().len() + cookie.value().len() + cookie.path.len() + cookie.domain().map_or(0, str::len)
}

fn forget_expired(store: &mut CookieStore) {
    let expired: Vec<(String, String, String)> = store
        .iter_any()
        .filter(|cookie| cookie.is_expired())
        .filter_map(|cookie| {
            let domain = cookie.domain.as_cow()?.into_owned();
            Some((domain, String::from(&*cookie.path), cookie.name().to_owned()))
        })
        .collect();
    for (domain, path, name) in expired {
        store.remove(&domain, &path, &name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(url: &str) -> Target {
        Target::parse(url).unwrap()
    }

    fn set(jar: &CookieJar, url: &str, cookies: &[&str]) -> usize {
        let mut headers = HeaderMap::new();
        for cookie in cookies {
            headers.append(SET_COOKIE, cookie.parse().unwrap());
        }
        jar.take(&target(url), &headers)
    }

    fn sent(jar: &CookieJar, url: &str) -> String {
        let mut out = Vec::new();
        jar.write(&target(url), &[], &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_cookie_goes_back_where_domain_path_and_secure_allow_it() {
        for (cookie, url, expected) in [
            ("a=1", "http://shop.example/", "a=1"),
            ("a=1", "http://shop.example:81/deep/er", "a=1"),
            ("a=1", "http://other.example/", ""),
            ("a=1", "http://www.shop.example/", ""),
            ("a=1; Domain=shop.example", "http://www.shop.example/", "a=1"),
            ("a=1; Domain=.shop.example", "wss://ws.shop.example/", "a=1"),
            ("a=1; Domain=other.example", "http://other.example/", ""),
            ("a=1; Domain=hop.example", "http://hop.example/", ""),
            ("a=1; Path=/cart", "http://shop.example/cart/1", "a=1"),
            ("a=1; Path=/cart", "http://shop.example/carts", ""),
            ("a=1; Secure", "http://shop.example/", ""),
            ("a=1; Secure", "https://shop.example/", "a=1"),
            ("a=1; Max-Age=0", "http://shop.example/", ""),
            ("a=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT", "http://shop.example/", ""),
            ("a=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=60", "http://shop.example/", "a=1"),
            ("a=\"q u\"; HttpOnly; SameSite=Strict; Junk", "http://shop.example/", "a=\"q u\""),
            ("=1", "http://shop.example/", ""),
            ("no pair", "http://shop.example/", ""),
        ] {
            let jar = CookieJar::default();
            assert_eq!(set(&jar, "https://shop.example/", &[cookie]), 0, "{cookie}");
            assert_eq!(sent(&jar, url), expected, "{cookie} to {url}");
        }
    }

    #[test]
    fn a_secure_cookie_stays_off_a_plain_connection_to_this_machine() {
        let jar = CookieJar::default();
        set(&jar, "http://127.0.0.1:4000/", &["a=1; Secure", "b=2"]);
        assert_eq!(sent(&jar, "http://127.0.0.1:4000/"), "b=2");
    }

    #[test]
    fn longer_paths_come_first_then_older_cookies_and_the_last_value_counts() {
        let jar = CookieJar::default();
        set(&jar, "http://h/a/b", &["z=1; Path=/", "y=2; Path=/", "x=3; Path=/a/b", "z=4; Path=/"]);
        assert_eq!(sent(&jar, "http://h/a/b"), "x=3; z=4; y=2");
        let mut out = b"own=1".to_vec();
        jar.write(&target("http://h/"), &["z"], &mut out);
        assert_eq!(out, b"own=1; y=2");
    }

    #[test]
    fn a_cookie_that_is_expired_is_gone_and_makes_room() {
        let jar = CookieJar::default();
        set(&jar, "http://h/", &["a=1", "b=2", "a=; Max-Age=0"]);
        assert_eq!(sent(&jar, "http://h/"), "b=2");
        set(&jar, "http://h/", &["b=2; Max-Age=0"]);
        assert!(jar.is_empty());
    }

    #[test]
    fn a_jar_is_bounded_in_number_and_bytes_and_still_takes_new_values() {
        let jar = CookieJar::default();
        let many: Vec<String> = (0..60).map(|n| format!("c{n}={n}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert_eq!(set(&jar, "http://h/", &many), 10);
        assert_eq!(set(&jar, "http://h/", &["c0=new"]), 0);
        assert!(sent(&jar, "http://h/").starts_with("c0=new; c1=1; "));

        let jar = CookieJar::default();
        let large = "x".repeat(4000);
        let large: Vec<String> = (0..10).map(|n| format!("c{n}={large}")).collect();
        let large: Vec<&str> = large.iter().map(String::as_str).collect();
        assert_eq!(set(&jar, "http://h/", &large), 2);
        assert_eq!(set(&jar, "http://h/", &[&format!("c0={}", "x".repeat(4096))]), 1);
        assert!(sent(&jar, "http://h/").len() < MAX_JAR_BYTES);
    }
}

//! What gets past the guard, and what must not however it is written.

use super::*;

fn guard(allowed: &[&str]) -> Guard {
    Guard::new(allowed.iter().map(|text| text.parse::<AllowedTarget>().unwrap()))
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

#[test]
fn an_entry_is_shown_as_it_is_meant() {
    for (text, shown) in [
        ("localhost", "localhost"),
        ("LocalHost.", "localhost"),
        ("Shop.Example.com.", "shop.example.com"),
        ("*.Example.com", "*.example.com"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("10.0.0.5", "10.0.0.5"),
        ("10.1.2.3/8", "10.0.0.0/8"),
        ("[fd00::1]", "fd00::1"),
        ("fd00::/8", "fd00::/8"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
    ] {
        assert_eq!(text.parse::<AllowedTarget>().unwrap().to_string(), shown, "{text}");
    }
    for text in [
        "",
        ".",
        "*",
        "*.",
        "*.*.example.com",
        "a..b",
        "http://a",
        "a:80",
        "a/b",
        "10.0.0.0/33",
        "127.1",
        "a b",
        "%61",
    ] {
        let parsed = text.parse::<AllowedTarget>();
        assert!(parsed.is_err() || text == "%61", "{text}: {parsed:?}");
    }
}

/// Before DNS, with no networks in the list.
#[test]
fn a_host_is_allowed_by_its_name_only() {
    let guard = guard(&["shop.example.com", "*.staging.example.com"]);
    for host in [
        "shop.example.com",
        "SHOP.example.COM",
        "shop.example.com.",
        "a.staging.example.com",
        "a.b.staging.example.com",
    ] {
        assert_eq!(guard.check_host(host), Ok(()), "{host}");
    }
    for host in [
        "example.com",
        "xshop.example.com",
        "shop.example.com.evil.test",
        "shop.example.comevil",
        "staging.example.com",
        ".staging.example.com",
        "evilstaging.example.com",
        "staging.example.com.evil.test",
        "shop.example.com%00.evil.test",
        "shop.example.com@evil.test",
        "shop.example.com#.evil.test",
        "shop.example.com/.evil.test",
        "shop.example.com\\.evil.test",
        "shop。example。com.evil.test",
        "ѕhop.example.com",
        "",
        ".",
        "..",
        "localhost",
        "foo.localhost",
        "*",
    ] {
        assert_eq!(guard.check_host(host), Err(Blocked::Host), "{host}");
    }
    // Dots and letters that IDNA takes for ASCII are what DNS will be asked for.
    for host in ["shop。example。com", "ｓｈｏｐ.example.com"] {
        assert_eq!(guard.check_host(host), Ok(()), "{host}");
    }
}

/// Each is the same for a plan that may go anywhere: whatever is allowed, these are not.
#[test]
fn what_nobody_may_load_is_refused_however_it_is_written() {
    let everything = Guard::of_everything();
    for host in [
        // 169.254.169.254
        "169.254.169.254",
        "169.254.169.254.",
        "2852039166",
        "0xa9fea9fe",
        "0xA9.0xFE.0xA9.0xFE",
        "0251.0376.0251.0376",
        "0xa9.254.0251.254",
        "169.254.43518",
        "169.16689662",
        "0251.0xfea9fe",
        "①⑥⑨.②⑤④.①⑥⑨.②⑤④",
        "169。254。169。254",
        "::ffff:169.254.169.254",
        "[::ffff:169.254.169.254]",
        "[::ffff:a9fe:a9fe]",
        "[0:0:0:0:0:ffff:a9fe:a9fe]",
        "[::a9fe:a9fe]",
        "[::ffff:0:a9fe:a9fe]",
        "[64:ff9b::a9fe:a9fe]",
        "[64:ff9b:1::a9fe:a9fe]",
        "[2002:a9fe:a9fe::]",
        "[2002:a9fe:a9fe::1]",
        "[2001:0:0:0:0:0:5601:5601]",
        "[2001:db8::5efe:a9fe:a9fe]",
        // The rest of what is link-local.
        "169.254.0.1",
        "169.254.170.2",
        "fe80::1",
        "[fe80::1]",
        "[febf::ffff]",
        // Other metadata.
        "100.100.100.200",
        "192.0.0.192",
        "168.63.129.16",
        "[fd00:ec2::254]",
        "[fd20:ce::254]",
        "[64:ff9b::6464:64c8]",
        "metadata.google.internal",
        "METADATA.google.internal.",
        "instance-data",
        // Nobody's.
        "0.0.0.0",
        "0",
        "0x0",
        "0.1.2.3",
        "[::]",
        "[::ffff:0.0.0.0]",
        "[2002:0:1::]",
        "224.0.0.1",
        "239.255.255.255",
        "[ff02::1]",
        "255.255.255.255",
        "4294967295",
        "[64:ff9b::e000:1]",
    ] {
        assert_eq!(everything.check_host(host), Err(Blocked::Forbidden), "{host}");
        assert_eq!(everything.check_unresolved(host, 80), Err(Blocked::Forbidden), "{host}");
    }
    for host in ["fe80::1%eth0", "[fe80::1%25eth0]", "169.254.169.254:80", "256.256.256.256", "0x100000000"] {
        assert!(everything.check_host(host).is_err(), "{host}");
    }
}

/// After DNS: the name is what the plan says, the address what came of it.
#[test]
fn what_a_name_resolves_to_is_asked_again() {
    let named = &["shop.example.com", "*.staging.example.com"][..];
    let local = &["shop.example.com", "localhost"][..];
    let networks = &["10.0.0.0/8", "fd00::/8", "93.184.216.34"][..];
    for (allowed, host, address, expected) in [
        (named, "shop.example.com", "93.184.216.34", Ok(())),
        (named, "shop.example.com", "10.0.0.1", Ok(())),
        (named, "shop.example.com", "fd00::1", Ok(())),
        // Rebound to this machine, or to where credentials are.
        (named, "shop.example.com", "127.0.0.1", Err(Blocked::Address)),
        (named, "shop.example.com", "127.8.9.1", Err(Blocked::Address)),
        (named, "shop.example.com", "::1", Err(Blocked::Address)),
        (named, "shop.example.com", "::ffff:127.0.0.1", Err(Blocked::Address)),
        (named, "shop.example.com", "64:ff9b::7f00:1", Err(Blocked::Address)),
        (named, "shop.example.com", "2002:7f00:1::", Err(Blocked::Address)),
        (named, "shop.example.com", "169.254.169.254", Err(Blocked::Forbidden)),
        (named, "shop.example.com", "::ffff:169.254.169.254", Err(Blocked::Forbidden)),
        (named, "shop.example.com", "fd00:ec2::254", Err(Blocked::Forbidden)),
        (named, "shop.example.com", "0.0.0.0", Err(Blocked::Forbidden)),
        (named, "a.staging.example.com", "192.168.1.1", Ok(())),
        (named, "other.example.com", "93.184.216.34", Err(Blocked::Host)),
        (named, "93.184.216.34", "93.184.216.34", Err(Blocked::Address)),
        (local, "localhost", "127.0.0.1", Ok(())),
        (local, "localhost", "::1", Ok(())),
        (local, "shop.example.com", "127.0.0.1", Ok(())),
        (local, "anything.test", "127.0.0.1", Ok(())),
        (local, "2130706433", "127.0.0.1", Ok(())),
        (local, "anything.test", "10.0.0.1", Err(Blocked::Host)),
        (local, "localhost", "169.254.169.254", Err(Blocked::Forbidden)),
        (networks, "db.internal", "10.200.0.1", Ok(())),
        (networks, "db.internal", "::ffff:10.200.0.1", Ok(())),
        (networks, "db.internal", "11.0.0.1", Err(Blocked::Host)),
        (networks, "10.0.0.1", "10.0.0.1", Ok(())),
        (networks, "11.0.0.1", "11.0.0.1", Err(Blocked::Address)),
        (networks, "localhost", "127.0.0.1", Err(Blocked::Host)),
        (networks, "x.test", "fd12::1", Ok(())),
        (networks, "x.test", "fd00:ec2::254", Err(Blocked::Forbidden)),
    ] {
        let found = guard(allowed).check_resolved(host, SocketAddr::new(ip(address), 80));
        assert_eq!(found, expected, "{host} -> {address} with {allowed:?}");
    }
}

#[test]
fn a_translated_address_of_this_machine_needs_this_machine_allowed() {
    for (allowed, expected) in
        [(&["64:ff9b::/96"][..], Err(Blocked::Address)), (&["64:ff9b::/96", "localhost"][..], Ok(()))]
    {
        assert_eq!(guard(allowed).check_address(ip("64:ff9b::7f00:1")), expected, "{allowed:?}");
        assert_eq!(guard(allowed).check_address(ip("64:ff9b::a00:1")), Ok(()), "{allowed:?}");
    }
}

#[test]
fn where_a_proxy_looks_up_only_names_count() {
    let networks = guard(&["10.0.0.0/8", "shop.example.com"]);
    assert_eq!(networks.check_host("db.internal"), Ok(()), "DNS will tell");
    assert_eq!(networks.check_unresolved("db.internal", 80), Err(Blocked::Host));
    assert_eq!(networks.check_unresolved("shop.example.com", 80), Ok(()));
    assert_eq!(networks.check_unresolved("10.1.1.1", 80), Ok(()));
    assert_eq!(networks.check_unresolved("167772161", 80), Ok(()), "10.0.0.1");
    assert_eq!(networks.check_unresolved("11.1.1.1", 80), Err(Blocked::Address));
    assert_eq!(Guard::check_trusted(ip("169.254.169.254")), Err(Blocked::Forbidden));
    assert_eq!(Guard::check_trusted(ip("127.0.0.1")), Ok(()));
}

#[test]
fn our_own_api_is_no_target() {
    let socket = |text: &str| text.parse::<SocketAddr>().unwrap();
    for (listen, target, expected) in [
        ("127.0.0.1:5665", "127.0.0.1:5665", Err(Blocked::Own)),
        ("127.0.0.1:5665", "127.0.0.1:4000", Ok(())),
        ("127.0.0.1:5665", "[::ffff:127.0.0.1]:5665", Err(Blocked::Own)),
        ("127.0.0.1:5665", "[::1]:5665", Ok(())),
        ("0.0.0.0:5665", "127.0.0.1:5665", Err(Blocked::Own)),
        ("0.0.0.0:5665", "127.0.0.2:5665", Err(Blocked::Own)),
        ("[::]:5665", "[::1]:5665", Err(Blocked::Own)),
        ("0.0.0.0:5665", "203.0.113.9:5665", Ok(())),
    ] {
        let guard = Guard::of_everything().without(socket(listen));
        assert_eq!(guard.check_literal(socket(target)), expected, "{target} of {listen}");
        assert_eq!(guard.check_resolved("a.test", socket(target)), expected, "{target} of {listen}");
    }
}

#[tokio::test]
async fn a_lookup_gives_only_what_is_allowed() {
    let found = guard(&["localhost"]).lookup("localhost", 80).await.unwrap();
    assert!(found.iter().all(|address| address.ip().is_loopback()), "{found:?}");
    let refused = guard(&["10.0.0.0/8"]).lookup("localhost", 80).await.unwrap_err();
    assert_eq!(Blocked::of(&refused), Some(Blocked::Host));
    let refused = guard(&["a.test"]).lookup("b.test", 80).await.unwrap_err();
    assert_eq!(
        (refused.kind(), Blocked::of(&refused)),
        (std::io::ErrorKind::PermissionDenied, Some(Blocked::Host))
    );
    let refused = guard(&["localhost"]).lookup("169.254.169.254", 80).await.unwrap_err();
    assert_eq!(Blocked::of(&refused), Some(Blocked::Forbidden));
}

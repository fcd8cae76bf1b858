//! Targets that mean ill: each costs one scrape.

use super::*;

#[tokio::test]
async fn a_body_beyond_a_limit_is_refused() {
    let announced = b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\nhz 1\n".to_vec();
    check_failure(&scrape_of(canned(announced).await).await, "body_too_large", "65536");
    let many: String = (0..101).map(|i| format!("hz{{i=\"{i}\"}} 1\n")).collect();
    check_failure(&scrape_of(canned(ok("", many.as_bytes())).await).await, "too_many_samples", "100 samples");
    let huge = format!("hz{{a=\"{}\"}} 1\n", "x".repeat(2000));
    check_failure(&scrape_of(canned(ok("", huge.as_bytes())).await).await, "label_limit", "1024 bytes");
}

#[tokio::test]
async fn an_endless_body_is_cut_at_the_limit() {
    let address = server(|mut stream, _| async move {
        let _head = stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await;
        let chunk = format!("{:x}\r\n{}\r\n", 7000, "hz 100\n".repeat(1000));
        while stream.write_all(chunk.as_bytes()).await.is_ok() {}
    })
    .await;
    check_failure(&scrape_of(address).await, "body_too_large", "65536");
}

#[tokio::test]
async fn a_gzip_bomb_is_cut_at_the_limit() {
    let bomb = gzipped(&vec![b'\n'; 8 << 20]);
    let scrape = scrape_of(canned(ok("content-encoding: gzip\r\n", &bomb)).await).await;
    assert!(bomb.len() < 10_000, "{}", bomb.len());
    check_failure(&scrape, "body_too_large", "65536");
}

#[tokio::test]
async fn a_broken_or_unknown_encoding_is_an_error() {
    let whole = gzipped(b"hz 100\n");
    let broken = [
        whole[..whole.len() - 4].to_vec(),
        [&whole[..whole.len() - 1], b"x"].concat(),
        [&whole[..], b"more"].concat(),
        b"hz 100\n".to_vec(),
        Vec::new(),
    ];
    for body in broken {
        let scrape = scrape_of(canned(ok("content-encoding: gzip\r\n", &body)).await).await;
        check_failure(&scrape, "encoding", "cannot be decompressed");
    }
    let scrape = scrape_of(canned(ok("content-encoding: br\r\n", b"hz 100\n")).await).await;
    check_failure(&scrape, "encoding", "only gzip");
}

#[tokio::test]
async fn a_target_that_drips_or_stalls_costs_one_timeout() {
    let dripping = server(|mut stream, _| async move {
        let _head = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n").await;
        while stream.write_all(b"h").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    let silent = server(|stream, _| async move {
        let _open = stream;
        std::future::pending::<()>().await;
    });
    let continuing = server(|mut stream, _| async move {
        while stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await.is_ok() {
            tokio::task::yield_now().await;
        }
    });
    for address in [dripping.await, silent.await, continuing.await] {
        let scrape = scrape::once(&target(address, BRIEF), &Clock::start()).await;
        check_failure(&scrape, "timeout", "200ms");
    }
}

#[tokio::test]
async fn a_response_that_ends_early_is_incomplete() {
    let short = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhz 100\n";
    check_failure(&scrape_of(canned(short).await).await, "incomplete", "before the response did");
    let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n7\r\nhz 100\n\r\n";
    check_failure(&scrape_of(canned(chunked).await).await, "incomplete", "before the response did");
    check_failure(&scrape_of(canned("").await).await, "incomplete", "before the response did");
}

#[tokio::test]
async fn what_is_not_http_or_has_too_much_of_a_header_is_refused() {
    check_failure(&scrape_of(canned("SSH-2.0-OpenSSH_9.2\r\n").await).await, "http", "as HTTP wants it");
    let many: String = (0..10_000).map(|i| format!("x-{i}: y\r\n")).collect();
    check_failure(&scrape_of(canned(ok(&many, b"hz 1\n")).await).await, "http", "as HTTP wants it");
    let long = format!("x: {}\r\n", "y".repeat(10 << 20));
    check_failure(&scrape_of(canned(ok(&long, b"hz 1\n")).await).await, "http", "as HTTP wants it");
    let bad_chunk = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n";
    check_failure(&scrape_of(canned(bad_chunk).await).await, "incomplete", "chunk");
}

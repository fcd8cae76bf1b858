//! What a Prometheus scrapes: `/JOB` shows that job's page, a second further at each look.

use std::path::Path;

use loadgate::exposition::{Format, encode};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::serving;
use crate::Result;
use crate::moving::Moving;
use crate::page::Pages;

/// Nobody asks with more.
const HEAD_BYTES: usize = 8192;

pub(super) fn run(pages: &Path) -> Result<()> {
    let mut pages = Pages::read(pages)?.moving();
    serving::until_told(|listener| async move {
        // One after the other: a Prometheus that asks twice a second does not wait.
        while let Ok((mut stream, _)) = listener.accept().await {
            let (mut head, mut length) = ([0; HEAD_BYTES], 0);
            while !head[..length].ends_with(b"\r\n\r\n") {
                match stream.read(&mut head[length..]).await {
                    Ok(0) | Err(_) => break,
                    Ok(read) => length += read,
                }
            }
            // Who went away does not want it.
            let _ = stream.write_all(answer(&mut pages, &head[..length]).as_bytes()).await;
        }
    })
}

fn answer(pages: &mut [(String, Moving)], head: &[u8]) -> String {
    let path = String::from_utf8_lossy(head).split(' ').nth(1).unwrap_or_default().to_owned();
    let page = pages.iter_mut().find(|(job, _)| path.strip_prefix('/') == Some(job));
    let Some((_, moving)) = page else {
        return "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".to_owned();
    };
    moving.tick();
    let mut text = String::new();
    encode(moving.families(), Format::Text, &mut text);
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: {}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{text}",
        Format::Text.content_type(),
        text.len()
    )
}

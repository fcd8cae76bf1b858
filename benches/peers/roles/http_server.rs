//! The least HTTP/1.1 server: GETs without a body, each answered by two bytes. It is below what any client can need, so that
//! the moment a request is stamped is close to the moment it came.

use std::rc::Rc;
use std::time::Instant;

use bytes::{Buf as _, BytesMut};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 2\r\n\r\nok";
const END_OF_HEAD: &[u8] = b"\r\n\r\n";

/// What a role does with its requests.
pub(super) trait Requests: 'static {
    /// A request was read at `at`. `Some`: it is not answered before then.
    fn arrived(&self, at: Instant) -> Option<Instant>;

    /// The answer was handed to the kernel.
    fn answered(&self, _arrived: Instant) {}
}

/// Ends never. Tasks are local.
pub(super) async fn serve(listener: TcpListener, requests: Rc<impl Requests>) {
    loop {
        // Descriptors spent or a client gone: the next one may be well.
        let Ok((stream, _)) = listener.accept().await else { continue };
        let requests = Rc::clone(&requests);
        tokio::task::spawn_local(async move {
            // A client that hangs up has had enough; there is nobody to tell.
            let _ = connection(stream, &*requests).await;
        });
    }
}

async fn connection(mut stream: TcpStream, requests: &impl Requests) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = BytesMut::with_capacity(1024);
    while stream.read_buf(&mut buffer).await? > 0 {
        let at = Instant::now();
        while let Some(start) = buffer.windows(END_OF_HEAD.len()).position(|bytes| bytes == END_OF_HEAD) {
            buffer.advance(start + END_OF_HEAD.len());
            if let Some(until) = requests.arrived(at) {
                tokio::time::sleep_until(until.into()).await;
            }
            stream.write_all(ANSWER).await?;
            requests.answered(at);
        }
        buffer.reserve(1024);
    }
    Ok(())
}

//! PostgreSQL, asked read-only: one statement in a transaction that cannot write, with the server's own timeout beside ours.

use std::error::Error as _;
use std::future::Future;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::{FutureExt as _, StreamExt as _};
use rustls::ClientConfig;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::tls::{ChannelBinding, TlsConnect, TlsStream};
use tokio_postgres::types::{Kind, Type};
use tokio_postgres::{Client, Error, SimpleQueryMessage, SimpleQueryRow};

use super::{Answer, Found, Surroundings, exchange_of, print, reach};
use crate::plan::verify::{PostgresQuestion, TlsMode};
use crate::template::Value;

/// What `rows` holds at most.
const MAX_ROWS: usize = 1000;

/// Says why there is no answer.
pub(super) async fn ask(
    question: &PostgresQuestion,
    timeout: Duration,
    around: &Surroundings,
) -> Result<Answer, String> {
    let config = match question.tls {
        TlsMode::Disable | TlsMode::Verify => reach::verified(around),
        TlsMode::Prefer | TlsMode::Require => reach::unverified()?,
    };
    let stream = reach::connect(&question.host, question.port, around).await?;
    let tls = Connector { host: question.host.clone(), config };
    let connected = question.session.connect_raw(stream, tls).await;
    let (client, mut connection) = connected.map_err(|error| told(&error))?;
    let mut work = pin!(query(&client, &question.query, timeout));
    let ended = tokio::select! {
        biased;
        answer = &mut work => return answer.map_err(|error| error.to_string()),
        ended = &mut connection => ended,
    };
    // What it said before it hung up may have been an answer, or why there is none.
    match work.now_or_never() {
        Some(Ok(answer)) => Ok(answer),
        Some(Err(Refused::Said(why))) => Err(why),
        _ => Err(ended
            .err()
            .map_or_else(|| "the server closed the connection".to_owned(), |error| told(&error))),
    }
}

/// Why a statement has no value.
#[derive(Debug, thiserror::Error)]
enum Refused {
    /// By the server, or by us for what it said.
    #[error("{0}")]
    Said(String),
    #[error("{0}")]
    Broken(String),
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        let why = told(&error);
        if error.as_db_error().is_some() { Refused::Said(why) } else { Refused::Broken(why) }
    }
}

async fn query(client: &Client, statement: &str, timeout: Duration) -> Result<Answer, Refused> {
    let millis = timeout.as_millis().clamp(1, 2_147_483_647);
    // Also for what comes after a transaction that the statement itself were to end.
    client.batch_execute("SET default_transaction_read_only = on").await?;
    client.batch_execute(&format!("BEGIN READ ONLY; SET LOCAL statement_timeout = {millis}")).await?;
    // The extended protocol takes one statement and no second; and it says what will come before it comes.
    let prepared = client.prepare(statement).await?;
    if prepared.columns().is_empty() {
        return Err(Refused::Said(
            "the statement gives no rows: ask with one that reads, such as SELECT".to_owned(),
        ));
    }
    let types: Vec<Type> = prepared.columns().iter().map(|column| column.type_().clone()).collect();
    // As text, which every type has.
    let mut messages = pin!(client.simple_query_raw(statement).await?);
    let (mut first, mut rows, mut seen) = (None, Vec::new(), Vec::new());
    while let Some(message) = messages.next().await {
        let SimpleQueryMessage::Row(row) = message? else { continue };
        if rows.len() == MAX_ROWS {
            let why =
                format!("it gives more than {MAX_ROWS} rows: count them in the statement, or add LIMIT");
            return Err(Refused::Said(why));
        }
        let columns = columns(&row, &types)?;
        if first.is_none() {
            let text = row.try_get(0)?.unwrap_or("null");
            first =
                Some((columns.first().map_or(Found::Nothing, |(_, found)| found.clone()), exchange_of(text)));
        }
        seen.push(columns.iter().map(|(_, found)| found.shown()).collect::<Vec<_>>());
        rows.push(Value::from_pairs(columns.iter().map(|(name, found)| (name.as_str(), found.value()))));
    }
    let Some((found, exchange)) = first else {
        return Err(Refused::Said("it gave no row".to_owned()));
    };
    // Cut off texts are compared cut off; the first value is what is judged.
    let print = print((found.shown(), seen));
    Ok(Answer { found, rows: Value::from(rows), exchange: Some(exchange), print })
}

fn columns(row: &SimpleQueryRow, types: &[Type]) -> Result<Vec<(String, Found)>, Refused> {
    let named = row.columns().iter().zip(types).enumerate();
    named.map(|(at, (column, kind))| Ok((column.name().to_owned(), found(row.try_get(at)?, kind)))).collect()
}

fn found(text: Option<&str>, kind: &Type) -> Found {
    let Some(text) = text else { return Found::Nothing };
    let as_text = || Found::Text(text.to_owned());
    match kind.kind() {
        Kind::Domain(inner) => return found(Some(text), inner),
        Kind::Simple => {}
        _ => return as_text(),
    }
    match *kind {
        Type::BOOL => Found::Bool(text == "t"),
        Type::INT2 | Type::INT4 | Type::INT8 | Type::OID | Type::FLOAT4 | Type::FLOAT8 | Type::NUMERIC => {
            Found::number(text).unwrap_or_else(as_text)
        }
        _ => as_text(),
    }
}

/// The server's own words where it said any.
fn told(error: &Error) -> String {
    match error.as_db_error() {
        Some(said) => format!("{}: {} (SQLSTATE {})", said.severity(), said.message(), said.code().code()),
        None => {
            let whole = error.to_string();
            match error.source().map(ToString::to_string) {
                Some(source) if !whole.contains(&source) => format!("{whole}: {source}"),
                _ => whole,
            }
        }
    }
}

/// rustls for the driver.
struct Connector {
    host: String,
    config: Arc<ClientConfig>,
}

struct Encrypted<S>(tokio_rustls::client::TlsStream<S>);

impl<S> TlsConnect<S> for Connector
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    type Stream = Encrypted<S>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Encrypted<S>>> + Send>>;

    fn connect(self, stream: S) -> Self::Future {
        Box::pin(async move { reach::secure(stream, &self.host, self.config).await.map(Encrypted) })
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> TlsStream for Encrypted<S> {
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Encrypted<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Encrypted<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

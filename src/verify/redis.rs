//! Redis, asked with a command that was found to change nothing when the plan was loaded.

use std::pin::pin;

use ::redis::aio::{ConnectionLike as _, MultiplexedConnection};
use ::redis::{AsyncConnectionConfig, Cmd, RedisError, Value as Reply};
use tokio::io::{AsyncRead, AsyncWrite};

use super::{Answer, Found, Surroundings, exchange_of, print, reach};
use crate::plan::verify::RedisQuestion;
use crate::template::Value;

/// Says why there is no answer.
pub(super) async fn ask(question: &RedisQuestion, around: &Surroundings) -> Result<Answer, String> {
    let stream = reach::connect(&question.host, question.port, around).await?;
    let reply = if question.tls {
        let config = reach::verified(around);
        let secured = reach::secure(stream, &question.host, config).await;
        converse(question, secured.map_err(|error| format!("TLS: {error}"))?).await
    } else {
        converse(question, stream).await
    };
    answer(reply.map_err(|error| error.to_string())?)
}

async fn converse<S>(question: &RedisQuestion, stream: S) -> Result<Reply, RedisError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    // The whole question has a timeout already.
    let config = AsyncConnectionConfig::new().set_response_timeout(None).set_connection_timeout(None);
    let (mut connection, driver) =
        MultiplexedConnection::new_with_config(&question.session, stream, config).await?;
    let mut command = Cmd::new();
    for word in &question.command {
        command.arg(word);
    }
    let mut driver = pin!(driver);
    let mut work = pin!(connection.req_packed_command(&command));
    tokio::select! {
        biased;
        reply = &mut work => return reply,
        () = &mut driver => {}
    }
    // What it said before it hung up, or that it did.
    work.await
}

fn answer(reply: Reply) -> Result<Answer, String> {
    let reply = reply.extract_error().map_err(|error| error.to_string())?;
    let rows = value(&reply);
    let found = found(reply);
    let exchange = match &found {
        Found::Text(text) => Some(exchange_of(text)),
        _ => Some(exchange_of(&rows.to_string())),
    };
    Ok(Answer { print: print((found.shown(), rows.to_string())), found, rows, exchange })
}

fn found(reply: Reply) -> Found {
    match reply {
        Reply::Nil => Found::Nothing,
        Reply::Int(number) => Found::Integer(number.into()),
        Reply::BulkString(bytes) => Found::Text(text(&bytes)),
        Reply::SimpleString(text) | Reply::VerbatimString { text, .. } => Found::Text(text),
        Reply::Okay => Found::Text("OK".to_owned()),
        Reply::Double(number) => Found::Float(number),
        Reply::Boolean(value) => Found::Bool(value),
        Reply::Attribute { data, .. } => found(*data),
        Reply::Array(list) | Reply::Set(list) => Found::Many(list.len(), "items"),
        Reply::Map(pairs) => Found::Many(pairs.len(), "pairs"),
        other => Found::Text(plain(&other)),
    }
}

/// As expressions see it.
fn value(reply: &Reply) -> Value {
    match reply {
        Reply::Nil => Value::from(()),
        Reply::Int(number) => Value::from(*number),
        Reply::Double(number) => Value::from(*number),
        Reply::Boolean(value) => Value::from(*value),
        Reply::Array(list) | Reply::Set(list) => Value::from(list.iter().map(value).collect::<Vec<_>>()),
        Reply::Map(pairs) => Value::from_pairs(pairs.iter().map(|(key, item)| (plain(key), value(item)))),
        Reply::Attribute { data, .. } => value(data),
        other => Value::from(plain(other)),
    }
}

fn plain(reply: &Reply) -> String {
    match reply {
        Reply::BulkString(bytes) => text(bytes),
        Reply::SimpleString(text) | Reply::VerbatimString { text, .. } => text.clone(),
        Reply::Okay => "OK".to_owned(),
        Reply::Int(number) => number.to_string(),
        Reply::BigNumber(digits) => text(digits),
        _ => String::new(),
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

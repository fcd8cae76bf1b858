//! The beginning of a connection: who we are, what both sides keep to, and the virtual host.

use std::time::Duration;

use amq_protocol::frame::{AMQPFrame, ProtocolVersion};
use amq_protocol::protocol::{AMQPClass, connection};
use amq_protocol::types::{AMQPValue, FieldTable, LongString, ShortString};

use super::Server;
use super::driver::Driver;
use super::failure::{of_connection, of_opening};
use super::frames::Frame;
use super::server::Auth;
use crate::sample::ErrorCode;

/// Of a frame in bytes, whatever the server would take: RabbitMQ's own default.
const LONGEST_FRAME: u32 = 128 * 1024;
/// The least that AMQP allows, and what holds before anything is agreed upon.
const SHORTEST_FRAME: u32 = 4_096;
/// In seconds: a server that is gone is noticed after twice as long, sooner where it asks for that.
const HEARTBEAT: u16 = 30;

pub(super) async fn shake_hands(driver: &mut Driver, server: &Server) -> Result<(), ErrorCode> {
    driver.shared().longest_frame.set(SHORTEST_FRAME as usize);
    driver.shared().frame(&AMQPFrame::ProtocolHeader(ProtocolVersion::amqp_0_9_1()))?;
    let connection::AMQPMethod::Start(start) = heard(driver, of_connection).await? else {
        return Err(ErrorCode::AMQP_HANDSHAKE);
    };
    let mechanisms = String::from_utf8_lossy(start.mechanisms.as_bytes()).into_owned();
    if !mechanisms.split(' ').any(|mechanism| mechanism == server.auth.mechanism()) {
        return Err(ErrorCode::AMQP_HANDSHAKE);
    }
    say(driver, connection::AMQPMethod::StartOk(introduction(&server.auth)))?;
    let connection::AMQPMethod::Tune(tune) = heard(driver, of_connection).await? else {
        return Err(ErrorCode::AMQP_HANDSHAKE);
    };
    // 0 is "as you like".
    let frame_max = if tune.frame_max == 0 { LONGEST_FRAME } else { tune.frame_max.min(LONGEST_FRAME) };
    let heartbeat = tune.heartbeat.min(HEARTBEAT);
    let agreed = connection::TuneOk { channel_max: tune.channel_max, frame_max, heartbeat };
    say(driver, connection::AMQPMethod::TuneOk(agreed))?;
    driver.shared().longest_frame.set(frame_max.max(SHORTEST_FRAME) as usize);
    if heartbeat > 0 {
        driver.beat(Duration::from_secs(heartbeat.into()) / 2);
    }
    let virtual_host = ShortString::try_new(server.vhost.clone()).map_err(|_| ErrorCode::AMQP_VHOST)?;
    say(driver, connection::AMQPMethod::Open(connection::Open { virtual_host }))?;
    match heard(driver, of_opening).await? {
        connection::AMQPMethod::OpenOk(_) => Ok(()),
        _ => Err(ErrorCode::AMQP_HANDSHAKE),
    }
}

fn say(driver: &Driver, method: connection::AMQPMethod) -> Result<(), ErrorCode> {
    driver.shared().method(0, AMQPClass::Connection(method))
}

async fn heard(
    driver: &mut Driver,
    class: fn(u16) -> ErrorCode,
) -> Result<connection::AMQPMethod, ErrorCode> {
    loop {
        // A server that hangs up here says no more than that it does not want us.
        let frame = driver.frame().await.map_err(|error| match error {
            ErrorCode::AMQP_DISCONNECTED => ErrorCode::AMQP_HANDSHAKE,
            error => error,
        });
        match frame? {
            Frame::Heartbeat => {}
            Frame::Method(0, AMQPClass::Connection(connection::AMQPMethod::Close(close))) => {
                return Err(class(close.reply_code));
            }
            Frame::Method(0, AMQPClass::Connection(method)) => return Ok(method),
            _ => return Err(ErrorCode::AMQP_HANDSHAKE),
        }
    }
}

fn introduction(auth: &Auth) -> connection::StartOk {
    let text = |text: &str| AMQPValue::LongString(LongString::from(text.as_bytes().to_vec()));
    let mut capabilities = FieldTable::default();
    for capability in [
        "publisher_confirms",
        "basic.nack",
        "consumer_cancel_notify",
        "connection.blocked",
        "authentication_failure_close",
    ] {
        capabilities.insert(ShortString::from(capability), AMQPValue::Boolean(true));
    }
    let mut client_properties = FieldTable::default();
    for (name, value) in [
        ("product", text("loadgate")),
        ("version", text(env!("CARGO_PKG_VERSION"))),
        ("connection_name", text("loadgate")),
        ("capabilities", AMQPValue::FieldTable(capabilities)),
    ] {
        client_properties.insert(ShortString::from(name), value);
    }
    let response = match auth {
        Auth::Plain { user, password } => format!("\0{user}\0{password}"),
        Auth::External => String::new(),
    };
    connection::StartOk {
        client_properties,
        mechanism: ShortString::from(auth.mechanism()),
        response: LongString::from(response.into_bytes()),
        locale: ShortString::from("en_US"),
    }
}

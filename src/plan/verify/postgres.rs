//! A statement for PostgreSQL, and where it goes.

use super::{Secrets, address};
use crate::config::{At, Problem};

#[derive(Debug)]
pub struct PostgresQuestion {
    pub host: String,
    pub port: u16,
    /// User, password and database; its host is not looked at.
    pub session: tokio_postgres::Config,
    pub tls: TlsMode,
    pub query: String,
}

/// libpq's `sslmode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsMode {
    Disable,
    /// If the server has it, whoever that is.
    Prefer,
    /// Whoever the server is.
    Require,
    /// The certificate must be of this host, by the plan's authorities.
    Verify,
}

const EXPECTED: &str = "expected a URL such as postgres://user:password@localhost:5432/shop";
const SSL_MODES: &str = "expected `disable`, `prefer`, `require`, `verify-ca` or `verify-full`";

pub(super) fn compile(
    url: &At<String>,
    query: &At<String>,
    secrets: &mut Secrets,
    problems: &mut Vec<Problem>,
) -> Option<PostgresQuestion> {
    let mut refuse = |message: String, help: &str| problems.push(Problem::new(url.place, message).help(help));
    let address = match address::parse(&url.value, ["postgres", "postgresql"], secrets) {
        Ok(address) => address,
        Err(why) => {
            refuse(format!("no URL of PostgreSQL: {why}"), EXPECTED);
            return None;
        }
    };
    let mut session = tokio_postgres::Config::new();
    session.application_name("loadgate");
    let mut tls = TlsMode::Prefer;
    let (mut user, mut password, mut database) = (address.user, address.password, address.path);
    for (name, value) in address.query {
        match name.as_str() {
            "sslmode" => match mode(&value) {
                Some(mode) => tls = mode,
                None => {
                    refuse("no `sslmode` that is known".to_owned(), SSL_MODES);
                    return None;
                }
            },
            "application_name" => drop(session.application_name(value)),
            "user" => user = Some(value),
            "password" => password = Some(value),
            "dbname" => database = value,
            // The verification has a timeout of its own.
            "connect_timeout" => {}
            _ => {
                let help = "expected `sslmode`, `user`, `password`, `dbname` or `application_name`";
                refuse(format!("`{name}` is not supported in a URL of PostgreSQL"), help);
                return None;
            }
        }
    }
    let Some(user) = user else {
        refuse("the URL of PostgreSQL names no user".to_owned(), EXPECTED);
        return None;
    };
    secrets.add(&user);
    session.user(&user);
    if let Some(password) = password {
        secrets.add(&password);
        session.password(password);
    }
    session.dbname(if database.is_empty() { user } else { database });
    session.ssl_mode(match tls {
        TlsMode::Disable => tokio_postgres::config::SslMode::Disable,
        TlsMode::Prefer => tokio_postgres::config::SslMode::Prefer,
        TlsMode::Require | TlsMode::Verify => tokio_postgres::config::SslMode::Require,
    });
    let (host, port) = (address.host, address.port.unwrap_or(5432));
    Some(PostgresQuestion { host, port, session, tls, query: query.value.clone() })
}

fn mode(text: &str) -> Option<TlsMode> {
    Some(match text {
        "disable" => TlsMode::Disable,
        "allow" | "prefer" => TlsMode::Prefer,
        "require" => TlsMode::Require,
        "verify-ca" | "verify-full" => TlsMode::Verify,
        _ => return None,
    })
}

//! Which server, which virtual host, and who we are to it.

use std::fmt;
use std::sync::Arc;

use rustls::ClientConfig;
use url::Url;

use super::super::dial::Dialer;
use super::super::tls::Tls;

const PORT: u16 = 5672;
const SECURE_PORT: u16 = 5671;
/// RabbitMQ's, which it takes from its own machine only.
const GUEST: &str = "guest";
const DEFAULT_VHOST: &str = "/";
/// Of a virtual host's name in bytes: it travels as a short string.
const LONGEST: usize = 255;

#[derive(Clone)]
pub struct Server {
    host: String,
    port: u16,
    secure: bool,
    pub(super) vhost: String,
    pub(super) auth: Auth,
    /// Instead of the plan's.
    tls: Option<Tls>,
}

/// Who we are.
#[derive(Clone, PartialEq, Eq)]
pub enum Auth {
    /// SASL's PLAIN.
    Plain { user: String, password: String },
    /// SASL's EXTERNAL: whom our certificate is for.
    External,
}

/// Why a text names no server. Follows "failed to".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ServerError {
    #[error("find a server in `{0}`: expected a URL such as `amqp://localhost:5672` or `amqps://host/vhost`")]
    Malformed(String),
    #[error(
        "use what follows `?` in `{0}`: heartbeats, frames and channels are agreed upon with the server, and `tls`, `auth` and `connect_timeout` are keys of the step"
    )]
    Query(String),
    #[error("show a certificate to `{0}`: `auth: external` needs TLS, with `amqps://`")]
    ExternalInTheClear(String),
    #[error("use the virtual host: its name is longer than 255 bytes")]
    LongVhost,
}

impl Auth {
    /// As SASL calls it.
    pub(super) fn mechanism(&self) -> &'static str {
        match self {
            Auth::Plain { .. } => "PLAIN",
            Auth::External => "EXTERNAL",
        }
    }
}

impl Server {
    /// `amqp://` or `amqps://`; `auth` and `vhost` are instead of what the URL says. Without either it is RabbitMQ's guest,
    /// and `/`.
    ///
    /// # Errors
    /// When the URL is none.
    pub fn parse(
        text: &str,
        auth: Option<Auth>,
        vhost: Option<&str>,
        tls: Option<Tls>,
    ) -> Result<Self, ServerError> {
        let malformed = || ServerError::Malformed(shown(text));
        let url = Url::parse(text).map_err(|_| malformed())?;
        let secure = match url.scheme() {
            "amqp" => false,
            "amqps" => true,
            _ => return Err(malformed()),
        };
        if url.query().is_some() || url.fragment().is_some() {
            return Err(ServerError::Query(shown(text)));
        }
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or_else(malformed)?;
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let path = url.path().trim_start_matches('/');
        if path.contains('/') {
            // As part of a name it is `%2F`.
            return Err(malformed());
        }
        let decoded = |text: &str| {
            percent_encoding::percent_decode_str(text).decode_utf8().map(|text| text.into_owned()).ok()
        };
        let or = |text: &str, default: &str| {
            decoded(if text.is_empty() { default } else { text }).ok_or_else(malformed)
        };
        let auth = match auth {
            Some(auth) => auth,
            None => Auth::Plain {
                user: or(url.username(), GUEST)?,
                password: match url.password() {
                    Some(password) => decoded(password).ok_or_else(malformed)?,
                    None if url.username().is_empty() => GUEST.to_owned(),
                    None => String::new(),
                },
            },
        };
        if auth == Auth::External && !secure {
            return Err(ServerError::ExternalInTheClear(shown(text)));
        }
        let vhost = match vhost {
            Some(vhost) => vhost.to_owned(),
            None => or(path, DEFAULT_VHOST)?,
        };
        if vhost.len() > LONGEST {
            return Err(ServerError::LongVhost);
        }
        let port = url.port().unwrap_or(if secure { SECURE_PORT } else { PORT });
        Ok(Server { host, port, secure, vhost, auth, tls })
    }

    pub fn host(&self) -> &str {
        &self.host
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub(super) fn tls(&self, dialer: &Dialer) -> Option<Arc<ClientConfig>> {
        self.secure.then(|| self.tls.as_ref().unwrap_or_else(|| dialer.tls()).without_alpn())
    }
}

/// Without what stands before an `@`.
fn shown(text: &str) -> String {
    text.rsplit_once('@').map_or_else(|| text.to_owned(), |(_, host)| format!("…@{host}"))
}

impl PartialEq for Server {
    fn eq(&self, other: &Self) -> bool {
        let place = |server: &Server| (server.host.clone(), server.port, server.secure, server.vhost.clone());
        let no_own_tls = self.tls.is_none() && other.tls.is_none();
        place(self) == place(other) && self.auth == other.auth && no_own_tls
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Server { host, port, vhost, .. } = self;
        f.debug_struct("Server")
            .field("host", host)
            .field("port", port)
            .field("vhost", vhost)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Server, String> {
        Server::parse(text, None, None, None).map_err(|error| error.to_string())
    }

    #[test]
    fn a_server_is_a_url_with_a_virtual_host_as_its_path() {
        for (text, host, port, secure, vhost) in [
            ("amqp://a", "a", 5672, false, "/"),
            ("amqp://a:5673/", "a", 5673, false, "/"),
            ("amqps://a/orders", "a", 5671, true, "orders"),
            ("amqp://[::1]/%2Fteam%2Fa", "::1", 5672, false, "/team/a"),
        ] {
            let server = parsed(text).unwrap();
            let found = (server.host.as_str(), server.port, server.secure, server.vhost.as_str());
            assert_eq!(found, (host, port, secure, vhost), "{text}");
        }
        for wrong in ["", "a:5672", "http://a", "amqp://", "amqp://a/b/c"] {
            assert!(parsed(wrong).unwrap_err().starts_with("find a server in"), "{wrong}");
        }
        assert!(parsed("amqp://a?heartbeat=5").unwrap_err().starts_with("use what follows `?`"));
        assert!(parsed(&format!("amqp://a/{}", "v".repeat(256))).is_err());
    }

    #[test]
    fn a_url_may_say_who_we_are_and_no_message_repeats_it() {
        let auth = |text| {
            let Auth::Plain { user, password } = parsed(text).unwrap().auth else { panic!("{text}") };
            (user, password)
        };
        let pair = |user: &str, password: &str| (user.to_owned(), password.to_owned());
        assert_eq!(auth("amqp://me:p%40ss@a"), pair("me", "p@ss"));
        assert_eq!(auth("amqp://me@a"), pair("me", ""));
        assert_eq!(auth("amqp://a"), pair("guest", "guest"));
        assert!(!parsed("amqp://me:secret@a/x/y").unwrap_err().contains("secret"));
        let own = Auth::Plain { user: "you".to_owned(), password: "yours".to_owned() };
        let server = Server::parse("amqp://me:secret@a/x", Some(own.clone()), Some("y"), None).unwrap();
        assert!(server.auth == own && server.vhost == "y");
        assert!(!format!("{server:?}").contains("yours"));
        let external = |url| Server::parse(url, Some(Auth::External), None, None);
        assert!(external("amqps://a").is_ok_and(|server| server.auth == Auth::External));
        assert!(external("amqp://me:secret@a").unwrap_err().to_string().ends_with("with `amqps://`"));
    }
}

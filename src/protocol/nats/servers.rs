//! Which servers, and who we are to them.

use std::collections::HashMap;
use std::fmt;
use std::net::{IpAddr, SocketAddr};

use async_nats::{ConnectOptions, ServerAddr};
use rustls::pki_types::ServerName;
use url::Url;

use super::super::dial::Dialer;
use super::super::tls::Tls;
use crate::sample::ErrorCode;

/// NATS' own.
const PORT: u16 = 4222;

/// The servers of a plan, any of which will do.
#[derive(Clone)]
pub struct Servers {
    list: Vec<Server>,
    auth: Auth,
    /// Instead of the plan's.
    tls: Option<Tls>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Server {
    host: String,
    port: u16,
    secure: bool,
}

/// Who we are.
#[derive(Clone, Default, PartialEq, Eq)]
pub enum Auth {
    /// What the URL says, if it says anything.
    #[default]
    None,
    User {
        user: String,
        password: String,
    },
    Token(String),
    /// The seed of a key.
    Nkey(String),
    /// What a credentials file holds: a JWT and the seed of its key.
    Credentials(String),
}

/// Why a text names no servers. Follows "failed to".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ServerError {
    #[error(
        "find a server in `{0}`: expected a URL such as `nats://localhost:4222`, or several with commas between"
    )]
    Malformed(String),
    #[error("use the servers together: some have TLS (`tls://`), some have not")]
    Mixed,
    #[error("read the seed of a key: {0}")]
    Nkey(String),
    #[error("read the credentials: {0}")]
    Credentials(String),
}

/// Where to connect.
pub(super) struct Reached {
    pub(super) addresses: Vec<ServerAddr>,
    /// What each address was found by, for the server's certificate.
    pub(super) names: HashMap<IpAddr, ServerName<'static>>,
}

impl Servers {
    /// `nats://` or `tls://`; what a URL says of who we are is taken where `auth` says nothing.
    ///
    /// # Errors
    /// When a URL is none, or the key or the credentials cannot be used.
    pub fn parse(text: &str, mut auth: Auth, tls: Option<Tls>) -> Result<Self, ServerError> {
        let mut list = Vec::new();
        for part in text.split(',').map(str::trim) {
            let (server, in_url) = server(part).ok_or_else(|| ServerError::Malformed(shown(part)))?;
            list.push(server);
            if auth == Auth::None {
                auth = in_url;
            }
        }
        if list.iter().any(|server| server.secure != list[0].secure) {
            return Err(ServerError::Mixed);
        }
        let servers = Servers { list, auth, tls };
        servers.check()?;
        Ok(servers)
    }

    /// Host and port of each.
    pub fn hosts(&self) -> impl Iterator<Item = (&str, u16)> {
        self.list.iter().map(|server| (server.host.as_str(), server.port))
    }

    pub(super) fn requires_tls(&self) -> bool {
        self.list.iter().any(|server| server.secure)
    }

    pub(super) fn tls<'a>(&'a self, dialer: &'a Dialer) -> &'a Tls {
        self.tls.as_ref().unwrap_or_else(|| dialer.tls())
    }

    /// Looks all of them up, in any order so that they share the load; those that cannot be reached are left out.
    pub(super) async fn reach(&self, dialer: &Dialer) -> Result<Reached, ErrorCode> {
        let mut reached = Reached { addresses: Vec::new(), names: HashMap::new() };
        let mut first_failure = None;
        let begin = fastrand::usize(..self.list.len());
        for server in self.list[begin..].iter().chain(&self.list[..begin]) {
            match dialer.addresses(&server.host, server.port).await {
                Ok(addresses) => addresses.into_iter().for_each(|address| reached.add(server, address)),
                Err(error) => drop(first_failure.get_or_insert(error)),
            }
        }
        match (reached.addresses.is_empty(), first_failure) {
            (true, error) => Err(error.unwrap_or(ErrorCode::DIAL)),
            (false, _) => Ok(reached),
        }
    }

    pub(super) fn authenticate(&self, options: ConnectOptions) -> Result<ConnectOptions, ErrorCode> {
        Ok(match &self.auth {
            Auth::None => options,
            Auth::User { user, password } => options.user_and_password(user.clone(), password.clone()),
            Auth::Token(token) => options.token(token.clone()),
            Auth::Nkey(seed) => options.nkey(seed.clone()),
            Auth::Credentials(text) => options.credentials(text).map_err(|_| ErrorCode::NATS_UNAUTHORIZED)?,
        })
    }

    /// That the key or the credentials can be used at all.
    fn check(&self) -> Result<(), ServerError> {
        match &self.auth {
            Auth::Credentials(text) => ConnectOptions::with_credentials(text)
                .map(drop)
                .map_err(|error| ServerError::Credentials(error.to_string())),
            Auth::Nkey(seed) => {
                // The same reader, in the shape that it is offered in.
                let pretended = format!(
                    "-----BEGIN NATS USER JWT-----\nx\n------END NATS USER JWT------\n\n-----BEGIN USER NKEY SEED-----\n{seed}\n------END USER NKEY SEED------\n"
                );
                ConnectOptions::with_credentials(&pretended)
                    .map(drop)
                    .map_err(|error| ServerError::Nkey(error.to_string()))
            }
            _ => Ok(()),
        }
    }
}

impl Reached {
    fn add(&mut self, server: &Server, address: SocketAddr) {
        let scheme = if server.secure { "tls" } else { "nats" };
        if let Ok(parsed) = format!("{scheme}://{address}").parse() {
            self.addresses.push(parsed);
        }
        if let Ok(name) = ServerName::try_from(server.host.clone()) {
            self.names.insert(address.ip(), name);
        }
    }
}

fn server(text: &str) -> Option<(Server, Auth)> {
    let with_scheme = if text.contains("://") { text.to_owned() } else { format!("nats://{text}") };
    let url = Url::parse(&with_scheme).ok()?;
    let secure = match url.scheme() {
        "nats" => false,
        "tls" => true,
        _ => return None,
    };
    let host = url.host_str().filter(|host| !host.is_empty())?;
    let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
    if !matches!(url.path(), "" | "/") || url.query().is_some() {
        return None;
    }
    let decoded = |text: &str| {
        percent_encoding::percent_decode_str(text).decode_utf8().map(|text| text.into_owned()).ok()
    };
    let auth = match (url.username(), url.password()) {
        ("", None) => Auth::None,
        (token, None) => Auth::Token(decoded(token)?),
        (user, Some(password)) => Auth::User { user: decoded(user)?, password: decoded(password)? },
    };
    Some((Server { host, port: url.port().unwrap_or(PORT), secure }, auth))
}

/// Without what stands before an `@`.
fn shown(text: &str) -> String {
    text.rsplit_once('@').map_or_else(|| text.to_owned(), |(_, host)| format!("…@{host}"))
}

impl PartialEq for Servers {
    fn eq(&self, other: &Self) -> bool {
        let no_own_tls = self.tls.is_none() && other.tls.is_none();
        self.list == other.list && self.auth == other.auth && no_own_tls
    }
}

impl fmt::Debug for Servers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Servers").field("list", &self.list).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Vec<(String, u16)>, String> {
        let servers = Servers::parse(text, Auth::None, None).map_err(|error| error.to_string())?;
        Ok(servers.hosts().map(|(host, port)| (host.to_owned(), port)).collect())
    }

    #[test]
    fn servers_are_urls_with_commas_between() {
        let host = |host: &str, port| (host.to_owned(), port);
        assert_eq!(parsed("nats://a:4223, b").unwrap(), [host("a", 4223), host("b", 4222)]);
        assert_eq!(parsed("tls://[::1]").unwrap(), [host("::1", 4222)]);
        for wrong in ["", "http://a", "nats://", "nats://a/path", "nats://a,"] {
            assert!(parsed(wrong).unwrap_err().starts_with("find a server in"), "{wrong}");
        }
        assert!(parsed("nats://a,tls://b").unwrap_err().starts_with("use the servers together"));
    }

    #[test]
    fn a_url_may_say_who_we_are_and_no_message_repeats_it() {
        let auth = |text| Servers::parse(text, Auth::None, None).unwrap().auth;
        let user = Auth::User { user: "me".to_owned(), password: "p@ss".to_owned() };
        assert!(auth("nats://me:p%40ss@a") == user);
        assert!(auth("nats://t0k3n@a") == Auth::Token("t0k3n".to_owned()));
        assert!(auth("nats://a") == Auth::None);
        assert!(!parsed("nats://me:secret@a/x").unwrap_err().contains("secret"));
    }

    #[test]
    fn a_key_that_is_none_is_refused_before_the_run() {
        let with = |auth| Servers::parse("nats://a", auth, None).map(drop).unwrap_err().to_string();
        assert!(with(Auth::Nkey("SUNOTAKEY".to_owned())).starts_with("read the seed of a key"));
        assert!(with(Auth::Credentials("nothing".to_owned())).starts_with("read the credentials"));
    }
}

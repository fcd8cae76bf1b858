//! Where a Prometheus is: a URL that is checked when it is given.

use std::fmt;
use std::str::FromStr;

use url::Url;

use crate::notify::{base_url, shown_url};

/// A Prometheus' URL: `http` or `https`, perhaps with user and password, and with the path it is served under.
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    /// Its path has no slash at its end.
    base: Url,
}

/// Why a text is no such URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why}: expected a Prometheus' URL such as http://localhost:9090")]
pub struct AddressError {
    why: String,
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let base = base_url(text).map_err(|why| AddressError { why })?;
        let path = base.path().trim_end_matches('/');
        if path.ends_with("/api/v1") || path.contains("/api/v1/") {
            return Err(AddressError { why: "the path of the API is added to it".to_owned() });
        }
        Ok(Address { base })
    }
}

impl Address {
    /// Of the API: `path` is what follows `/api/v1/`, perhaps with a query.
    pub(super) fn api(&self, path: &str) -> Url {
        let (path, query) = path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
        let mut url = self.base.clone();
        url.set_path(&format!("{}/api/v1/{path}", self.base.path().trim_end_matches('/')));
        url.set_query(query);
        url
    }

    /// Without user and password: for messages.
    pub fn shown(&self) -> String {
        let mut shown = shown_url(&self.base);
        shown.truncate(shown.trim_end_matches('/').len());
        shown
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown())
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({})", self.shown())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_of_the_api_follows_the_prefix() {
        for (text, shown, api) in [
            (
                "http://localhost:9090",
                "http://localhost:9090",
                "http://localhost:9090/api/v1/rules?type=alert",
            ),
            (
                "https://p.example.com/",
                "https://p.example.com",
                "https://p.example.com/api/v1/rules?type=alert",
            ),
            ("http://h:1/prom/", "http://h:1/prom", "http://h:1/prom/api/v1/rules?type=alert"),
            ("http://me:s%20t@[::1]:9", "http://[::1]:9", "http://me:s%20t@[::1]:9/api/v1/rules?type=alert"),
        ] {
            let address: Address = text.parse().unwrap();
            assert_eq!(address.to_string(), shown);
            assert_eq!(address.api("rules?type=alert").as_str(), api);
            assert!(!format!("{address:?}").contains("s%20t"), "a password is never shown");
        }
    }

    #[test]
    fn what_is_no_prometheus_url_is_refused() {
        for (text, why) in [
            ("localhost", "there is no scheme"),
            ("localhost:9090", "only http:// and https:// are spoken"),
            ("http://localhost:9090/?a=b", "neither a query nor a fragment can stand here"),
            ("http://localhost:9090/api/v1", "the path of the API is added to it"),
            ("http://localhost:9090/api/v1/query", "the path of the API is added to it"),
        ] {
            let error = text.parse::<Address>().unwrap_err().to_string();
            assert_eq!(error, format!("{why}: expected a Prometheus' URL such as http://localhost:9090"));
        }
    }
}

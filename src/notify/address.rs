//! Where an Alertmanager is: a URL that is checked when it is given.

use std::fmt;
use std::str::FromStr;

use url::Url;

/// What its API adds to the URL that people give.
const PATH: &str = "/api/v2/alerts";

/// An Alertmanager's URL: `http` or `https`, perhaps with user and password, and with the path it is served under.
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    /// Of the API.
    pub(super) url: Url,
}

/// Why a text is no such URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why}: expected an Alertmanager's URL such as http://localhost:9093")]
pub struct AddressError {
    why: String,
}

/// A URL to whose path that of an API is added: `http` or `https`, without query and fragment. Says what is wrong.
pub(crate) fn base_url(text: &str) -> Result<Url, String> {
    let refused = |why: &str| Err(why.to_owned());
    let url = match Url::parse(text) {
        Ok(url) => url,
        Err(url::ParseError::RelativeUrlWithoutBase) => return refused("there is no scheme"),
        Err(error) => return refused(&error.to_string()),
    };
    if !matches!(url.scheme(), "http" | "https") {
        // `localhost:9093` reads as a scheme and a path.
        return refused("only http:// and https:// are spoken");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return refused("neither a query nor a fragment can stand here");
    }
    Ok(url)
}

/// Without user and password: for labels and messages.
pub(crate) fn shown_url(url: &Url) -> String {
    let mut url = url.clone();
    // Only a URL without a host refuses.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.into()
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut url = base_url(text).map_err(|why| AddressError { why })?;
        let prefix = url.path().trim_end_matches('/').to_owned();
        if prefix.ends_with("/alerts") && prefix.contains("/api/") {
            return Err(AddressError { why: "the path of the API is added to it".to_owned() });
        }
        url.set_path(&format!("{prefix}{PATH}"));
        Ok(Address { url })
    }
}

impl Address {
    /// The URL of the API without user and password: for labels and messages.
    pub fn shown(&self) -> String {
        shown_url(&self.url)
    }

    pub fn is_https(&self) -> bool {
        self.url.scheme() == "https"
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
        for (text, url, shown) in [
            ("http://localhost:9093", "http://localhost:9093/api/v2/alerts", None),
            ("http://localhost:9093/", "http://localhost:9093/api/v2/alerts", None),
            (
                "https://am.example.com/monitoring/am/",
                "https://am.example.com/monitoring/am/api/v2/alerts",
                None,
            ),
            (
                "http://me:s%20cret@[::1]:9093",
                "http://me:s%20cret@[::1]:9093/api/v2/alerts",
                Some("http://[::1]:9093/api/v2/alerts"),
            ),
        ] {
            let address: Address = text.parse().unwrap();
            assert_eq!(address.url.as_str(), url);
            assert_eq!(address.to_string(), shown.unwrap_or(url));
        }
    }

    #[test]
    fn what_is_no_alertmanagers_url_is_refused() {
        for (text, why) in [
            ("localhost", "there is no scheme"),
            ("localhost:9093", "only http:// and https:// are spoken"),
            ("unix:///run/am.sock", "only http:// and https:// are spoken"),
            ("http://", "empty host"),
            ("http://localhost:99999", "invalid port number"),
            ("http://localhost:9093/?a=b", "neither a query nor a fragment can stand here"),
            ("http://localhost:9093/api/v2/alerts", "the path of the API is added to it"),
        ] {
            let error = text.parse::<Address>().unwrap_err().to_string();
            assert_eq!(error, format!("{why}: expected an Alertmanager's URL such as http://localhost:9093"));
        }
    }

    #[test]
    fn a_password_is_never_shown() {
        let address: Address = "http://me:secret@localhost:9093".parse().unwrap();
        assert!(!format!("{address:?} {address}").contains("secret"));
    }
}

//! URLs of databases: taken apart here, so that no driver's message can show one.

use percent_encoding::percent_decode_str;
use url::Url;

use super::Secrets;

/// Where a database is and who asks.
pub(super) struct Address {
    pub(super) scheme: String,
    pub(super) host: String,
    pub(super) port: Option<u16>,
    pub(super) user: Option<String>,
    pub(super) password: Option<String>,
    /// Without the leading slash.
    pub(super) path: String,
    /// Decoded.
    pub(super) query: Vec<(String, String)>,
}

/// Says what is wrong, without any part of the URL that may be secret.
pub(super) fn parse(text: &str, schemes: [&str; 2], secrets: &mut Secrets) -> Result<Address, String> {
    let url = match Url::parse(text) {
        Ok(url) => url,
        Err(url::ParseError::RelativeUrlWithoutBase) => return Err("there is no scheme".to_owned()),
        Err(error) => return Err(error.to_string()),
    };
    for written in [url.username(), url.password().unwrap_or_default()] {
        secrets.add(written);
        secrets.add(&decoded(written)?);
    }
    if !schemes.contains(&url.scheme()) {
        return Err(format!("only {}:// and {}:// are spoken", schemes[0], schemes[1]));
    }
    let host = url.host_str().unwrap_or_default();
    if host.is_empty() {
        return Err("it names no host".to_owned());
    }
    if host.contains('%') {
        return Err("Unix sockets are not spoken".to_owned());
    }
    if url.fragment().is_some() {
        return Err("no fragment can stand here".to_owned());
    }
    let user = Some(url.username()).filter(|user| !user.is_empty()).map(decoded).transpose()?;
    Ok(Address {
        scheme: url.scheme().to_owned(),
        host: host.trim_start_matches('[').trim_end_matches(']').to_owned(),
        port: url.port(),
        user,
        password: url.password().map(decoded).transpose()?,
        path: decoded(url.path().trim_start_matches('/'))?,
        query: url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect(),
    })
}

fn decoded(text: &str) -> Result<String, String> {
    let decoded = percent_decode_str(text).decode_utf8();
    decoded.map(String::from).map_err(|_| "what is percent-encoded in it is not UTF-8".to_owned())
}

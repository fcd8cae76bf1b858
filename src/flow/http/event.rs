//! CloudEvents over HTTP: the binary mode of the HTTP protocol binding
//! (<https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md>).

use http::header::{CONTENT_TYPE, HeaderMap, HeaderName};

use super::super::Ended;
use super::super::event::RenderedEvent;
use super::request::header_value;

/// Adds the attributes as headers.
pub(super) fn add_headers(event: &RenderedEvent<'_>, headers: &mut HeaderMap) -> Result<(), Ended> {
    for (name, value) in event.attributes() {
        if *name == "datacontenttype" {
            if !headers.contains_key(CONTENT_TYPE) {
                headers.insert(CONTENT_TYPE, header_value(&CONTENT_TYPE, value)?);
            }
            continue;
        }
        let header = HeaderName::try_from(format!("ce-{name}"))
            .map_err(|_| Ended::Error(format!("`{name}` cannot be the name of an attribute")))?;
        let value = header_value(&header, &percent_encoded(value))?;
        headers.insert(header, value);
    }
    Ok(())
}

/// Section 3.1.3.2: what is no printable ASCII, and space, `"` and `%`.
fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'!' | b'#' | b'$' | b'&'..=b'~' => encoded.push(char::from(byte)),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attribute_is_percent_encoded_as_the_binding_says() {
        // The first is the specification's own example.
        for (text, encoded) in [
            ("Euro € 😀", "Euro%20%E2%82%AC%20%F0%9F%98%80"),
            ("a\"b%c", "a%22b%25c"),
            ("/x?y=z&#~", "/x?y=z&#~"),
        ] {
            assert_eq!(percent_encoded(text), encoded);
        }
    }
}

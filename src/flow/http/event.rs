//! CloudEvents over HTTP: the binary mode of the HTTP protocol binding
//! (<https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md>).

use http::header::{CONTENT_TYPE, HeaderMap, HeaderName};

use super::super::Ended;
use super::super::event::{RenderedEvent, percent_encoded};
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

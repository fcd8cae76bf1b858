//! Bodies of several parts: `multipart/form-data` (RFC 7578).

use bytes::Bytes;

use super::super::{Ended, Vu};
use crate::template::Template;

#[derive(Debug)]
pub struct Multipart(pub Vec<Part>);

/// A field of the form.
#[derive(Debug)]
pub struct Part {
    pub name: Template,
    pub filename: Option<Template>,
    pub content_type: Option<Template>,
    pub content: PartContent,
}

#[derive(Debug)]
pub enum PartContent {
    Text(Template),
    File(Bytes),
}

impl Multipart {
    /// The `Content-Type` with a boundary of its own for each body, and the body.
    pub(super) fn render(&self, vu: &Vu) -> Result<(String, Bytes), Ended> {
        let boundary = format!("----loadgate{:032x}", fastrand::u128(..));
        let mut body = Vec::new();
        for part in &self.0 {
            body.extend_from_slice(format!("--{boundary}\r\n").as_bytes());
            part.write(vu, &mut body)?;
        }
        body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
        Ok((format!("multipart/form-data; boundary={boundary}"), Bytes::from(body)))
    }
}

impl Part {
    fn write(&self, vu: &Vu, out: &mut Vec<u8>) -> Result<(), Ended> {
        let name = quoted(&vu.render(&self.name)?);
        out.extend_from_slice(format!("Content-Disposition: form-data; name={name}").as_bytes());
        if let Some(filename) = &self.filename {
            let filename = quoted(&vu.render(filename)?);
            out.extend_from_slice(format!("; filename={filename}").as_bytes());
        }
        out.extend_from_slice(b"\r\n");
        if let Some(content_type) = &self.content_type {
            let content_type = vu.render(content_type)?;
            if content_type.contains(['\r', '\n']) {
                return Err(Ended::Error("the `content_type` of a part holds a line end".to_owned()));
            }
            out.extend_from_slice(format!("Content-Type: {content_type}\r\n").as_bytes());
        }
        out.extend_from_slice(b"\r\n");
        match &self.content {
            PartContent::Text(text) => out.extend_from_slice(vu.render(text)?.as_bytes()),
            PartContent::File(bytes) => out.extend_from_slice(bytes),
        }
        out.extend_from_slice(b"\r\n");
        Ok(())
    }
}

/// A parameter of `Content-Disposition` as browsers write it: UTF-8, and only what would end it is escaped
/// (<https://html.spec.whatwg.org/multipage/form-control-infrastructure.html#multipart-form-data>).
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_end_a_name_is_escaped() {
        assert_eq!(quoted("a"), "\"a\"");
        assert_eq!(quoted("ü \"x\"\r\ny: z"), "\"ü %22x%22%0D%0Ay: z\"");
    }
}

//! What to write for an `Accept` header, and which format to read for a `Content-Type`.

/// What `/metrics` can be written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MediaType {
    Text(Format),
    /// Prometheus' `MetricFamily` messages, each after its length.
    Protobuf,
}

/// An exposition format that is text: written, and read from targets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// Prometheus' text format 0.0.4.
    Text,
    /// OpenMetrics 1.0.
    OpenMetrics,
}

impl MediaType {
    /// The `Content-Type` of a response of this type.
    pub fn content_type(self) -> &'static str {
        match self {
            MediaType::Text(format) => format.content_type(),
            MediaType::Protobuf => {
                "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"
            }
        }
    }
}

impl Format {
    /// The `Content-Type` of a response in this format.
    pub fn content_type(self) -> &'static str {
        match self {
            Format::Text => "text/plain; version=0.0.4; charset=utf-8",
            Format::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }

    /// How to read a response of this `Content-Type`. Whatever is not OpenMetrics, also a missing
    /// header, is read as text, as Prometheus does with `fallback_scrape_protocol: PrometheusText0.0.4`.
    pub fn of_content_type(content_type: Option<&str>) -> Format {
        let essence = content_type.unwrap_or_default().split(';').next().unwrap_or_default().trim();
        if essence.eq_ignore_ascii_case("application/openmetrics-text") {
            Format::OpenMetrics
        } else {
            Format::Text
        }
    }
}

/// What `accept` prefers: the highest `q`, and of equals the first named. Text when it names none that
/// we write, so that a browser and `curl` see something readable.
pub fn negotiate(accept: Option<&str>) -> MediaType {
    let mut best = (MediaType::Text(Format::Text), 0.0);
    for range in accept.unwrap_or_default().split(',') {
        if let Some((media_type, quality)) = offered(range)
            && quality > best.1
        {
            best = (media_type, quality);
        }
    }
    best.0
}

/// What one media range asks for, and how much it is wanted. Neither a version, message or encoding that
/// we do not write nor a `q` that is no number counts.
fn offered(range: &str) -> Option<(MediaType, f64)> {
    let mut parts = range.split(';').map(str::trim);
    let essence = parts.next()?.to_ascii_lowercase();
    let (mut quality, mut version, mut proto, mut encoding) = (1.0, None, None, None);
    for parameter in parts {
        let Some((name, value)) = parameter.split_once('=') else { continue };
        let value = value.trim().trim_matches('"');
        match name.trim().to_ascii_lowercase().as_str() {
            "q" => quality = value.parse::<f64>().ok().filter(|q| (0.0..=1.0).contains(q))?,
            "version" => version = Some(value),
            "proto" => proto = Some(value),
            "encoding" => encoding = Some(value),
            _ => {}
        }
    }
    let one_of = |versions: &[&str]| version.is_none_or(|version| versions.contains(&version));
    let media_type = match essence.as_str() {
        "application/openmetrics-text" if one_of(&["1.0.0", "0.0.1"]) => MediaType::Text(Format::OpenMetrics),
        "text/plain" if one_of(&["0.0.4"]) => MediaType::Text(Format::Text),
        "text/*" | "*/*" => MediaType::Text(Format::Text),
        // The bare type could be any message; `text` and `compact-text` are for debugging.
        "application/vnd.google.protobuf"
            if proto == Some("io.prometheus.client.MetricFamily") && encoding == Some("delimited") =>
        {
            MediaType::Protobuf
        }
        _ => return None,
    };
    Some((media_type, quality))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_format_with_the_highest_quality_wins() {
        let check = |accept: &str, expected| {
            assert_eq!(negotiate(Some(accept)), MediaType::Text(expected), "{accept}");
        };
        check("application/openmetrics-text", Format::OpenMetrics);
        check("application/openmetrics-text; version=1.0.0; charset=utf-8", Format::OpenMetrics);
        check("application/openmetrics-text;version=\"0.0.1\"", Format::OpenMetrics);
        check("APPLICATION/OpenMetrics-Text;Q=0.1", Format::OpenMetrics);
        check("application/openmetrics-text;version=2.0.0, text/plain;q=0.1", Format::Text);
        check("application/openmetrics-text;q=0.3,text/plain;q=0.4", Format::Text);
        check("application/openmetrics-text;q=0.4,text/plain;q=0.3", Format::OpenMetrics);
        check("application/openmetrics-text;q=0", Format::Text);
        check("application/openmetrics-text;q=NaN", Format::Text);
        check("application/openmetrics-text;q=7, text/plain;q=0.1", Format::Text);
        check("text/plain, application/openmetrics-text", Format::Text);
        check("application/openmetrics-text, text/plain", Format::OpenMetrics);
        check("text/html,application/xhtml+xml,*/*;q=0.8", Format::Text);
        check("application/openmetrics-text;q=0.5,*/*", Format::Text);
        check(";;;,,=;q=", Format::Text);
        check("", Format::Text);
        assert_eq!(negotiate(None), MediaType::Text(Format::Text));
    }

    #[test]
    fn prometheus_3_and_2_are_given_openmetrics() {
        let three = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
            application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,\
            text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
        let two = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,\
            text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
        assert_eq!(negotiate(Some(three)), MediaType::Text(Format::OpenMetrics));
        assert_eq!(negotiate(Some(two)), MediaType::Text(Format::OpenMetrics));
    }

    #[test]
    fn prometheus_that_wants_native_histograms_is_given_protobuf() {
        const DELIMITED: &str =
            "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited";
        let check = |accept: String, expected| assert_eq!(negotiate(Some(&accept)), expected, "{accept}");
        let two = ",application/openmetrics-text;version=1.0.0;q=0.8,\
            application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
        let three = ";q=0.6,application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,\
            application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,\
            text/plain;version=0.0.4;q=0.2,*/*;q=0.1";
        check(format!("{DELIMITED}{two}"), MediaType::Protobuf);
        check(format!("{DELIMITED}{three}"), MediaType::Protobuf);
        check(MediaType::Protobuf.content_type().to_owned(), MediaType::Protobuf);
        check(format!("{DELIMITED};q=0.4,text/plain;q=0.5"), MediaType::Text(Format::Text));
        check(format!("{DELIMITED};q=0"), MediaType::Text(Format::Text));
        let other = DELIMITED.replace("delimited", "compact-text");
        check(format!("{other},application/openmetrics-text;q=0.1"), MediaType::Text(Format::OpenMetrics));
        check("application/vnd.google.protobuf".to_owned(), MediaType::Text(Format::Text));
    }

    #[test]
    fn a_content_type_other_than_openmetrics_is_read_as_text() {
        for format in [Format::Text, Format::OpenMetrics] {
            assert_eq!(Format::of_content_type(Some(format.content_type())), format);
        }
        assert_eq!(Format::of_content_type(None), Format::Text);
        assert_eq!(Format::of_content_type(Some("application/octet-stream")), Format::Text);
        assert_eq!(
            Format::of_content_type(Some("Application/OpenMetrics-Text ;version=1.0.0")),
            Format::OpenMetrics
        );
    }
}

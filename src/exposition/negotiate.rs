//! Which format to write for an `Accept` header, and to read for a `Content-Type`.

/// An exposition format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// Prometheus' text format 0.0.4.
    Text,
    /// OpenMetrics 1.0.
    OpenMetrics,
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

/// The format that `accept` prefers: the highest `q`, and of equals the first named. Text when it
/// names none that we write, so that a browser and `curl` see something readable.
pub fn negotiate(accept: Option<&str>) -> Format {
    let mut best = (Format::Text, 0.0);
    for range in accept.unwrap_or_default().split(',') {
        if let Some((format, quality)) = offered(range)
            && quality > best.1
        {
            best = (format, quality);
        }
    }
    best.0
}

/// The format that one media range asks for, and how much it is wanted. Neither a version that we
/// do not write nor a `q` that is no number counts.
fn offered(range: &str) -> Option<(Format, f64)> {
    let mut parts = range.split(';').map(str::trim);
    let (format, versions): (Format, &[&str]) = match parts.next()?.to_ascii_lowercase().as_str() {
        "application/openmetrics-text" => (Format::OpenMetrics, &["1.0.0", "0.0.1"]),
        "text/plain" => (Format::Text, &["0.0.4"]),
        "text/*" | "*/*" => (Format::Text, &[]),
        _ => return None,
    };
    let mut quality = 1.0;
    for parameter in parts {
        let Some((name, value)) = parameter.split_once('=') else { continue };
        let value = value.trim().trim_matches('"');
        match name.trim().to_ascii_lowercase().as_str() {
            "q" => quality = value.parse::<f64>().ok().filter(|q| (0.0..=1.0).contains(q))?,
            "version" if !versions.is_empty() && !versions.contains(&value) => return None,
            _ => {}
        }
    }
    Some((format, quality))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_format_with_the_highest_quality_wins() {
        let check = |accept: &str, expected| assert_eq!(negotiate(Some(accept)), expected, "{accept}");
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
        assert_eq!(negotiate(None), Format::Text);
    }

    #[test]
    fn prometheus_3_and_2_are_given_openmetrics() {
        let three = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
            application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,\
            text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
        let two = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,\
            text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
        assert_eq!(negotiate(Some(three)), Format::OpenMetrics);
        assert_eq!(negotiate(Some(two)), Format::OpenMetrics);
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

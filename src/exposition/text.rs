//! Prometheus' text format 0.0.4
//! (<https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format>).

use super::write::{self, Escape};
use crate::family::{Family, FamilyKind};

pub(super) fn encode(families: &[Family], out: &mut String, mut written: impl FnMut()) {
    for family in families {
        let kind = match family.kind {
            FamilyKind::Counter => "counter",
            FamilyKind::Gauge => "gauge",
            FamilyKind::Histogram => "histogram",
            FamilyKind::Summary => "summary",
            FamilyKind::Unknown => "untyped",
        };
        write::metadata(out, &family.name, kind, &family.help, Escape::TextHelp);
        write::samples(out, family);
        written();
    }
}

#[cfg(test)]
mod tests {
    use crate::exposition::{Format, encode};
    use crate::family::{Family, FamilyKind};
    use crate::labels::Labels;

    fn check(family: Family, expected: &str) {
        let mut out = String::new();
        encode(&[family], Format::Text, &mut out);
        assert_eq!(out, expected);
    }

    #[test]
    fn help_escapes_backslash_and_line_feed_and_a_label_value_also_quotes() {
        let labels = Labels::new([("path", "C:\\x \"y\"\nz"), ("b", "{,}=#")]);
        check(
            Family::single("a", FamilyKind::Gauge, "a \\ \"b\"\nc", labels, 1.0),
            "# HELP a a \\\\ \"b\"\\nc\n# TYPE a gauge\na{b=\"{,}=#\",path=\"C:\\\\x \\\"y\\\"\\nz\"} 1\n",
        );
    }

    #[test]
    fn values_beyond_the_finite_are_written_as_prometheus_reads_them() {
        let mut family = Family::new("a", FamilyKind::Unknown, "h");
        let values = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0, 0.1, 1e300, 5e-324, 123456789.0];
        for value in values {
            family.push(Labels::empty(), value);
        }
        check(
            family,
            "# HELP a h\n# TYPE a untyped\n\
             a NaN\na +Inf\na -Inf\na -0.0\na 0.1\na 1e+300\na 5e-324\na 123456789\n",
        );
    }

    #[test]
    fn a_name_with_other_characters_stands_in_quotes_between_the_braces() {
        let labels = Labels::new([("k8s.pod", "a")]);
        check(
            Family::single("http.requests", FamilyKind::Gauge, "h", labels, 1.0),
            "# HELP \"http.requests\" h\n# TYPE \"http.requests\" gauge\n{\"http.requests\",\"k8s.pod\"=\"a\"} 1\n",
        );
    }
}

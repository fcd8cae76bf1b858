//! Templates against their expected expansions; `tests/it/annotations.rs` has promtool judge the same table.

use super::{Data, Template};
use crate::labels::Labels;
use crate::promql::{Point, Sample};

const TABLE: &str = include_str!("../../../tests/golden/templates.jsonl");

fn query(text: &str) -> Result<Vec<Sample>, String> {
    let sample = |labels: &[(&str, &str)], value: f64| Sample {
        labels: Labels::new(labels.iter().copied()),
        point: Point { at_ms: 0, value },
    };
    let load = |host, value| sample(&[("__name__", "load"), ("host", host)], value);
    match text {
        "load" => Ok(vec![load("a", 1.0), load("b", 2500.0)]),
        "load{host='a'}" => Ok(vec![load("a", 1.0)]),
        "load{host='b'}" => Ok(vec![load("b", 2500.0)]),
        "strings" => Ok(vec![sample(&[("__name__", "strings"), ("__value__", "text")], 1.0)]),
        "nothing" => Ok(Vec::new()),
        other => Err(format!("unknown query {other}")),
    }
}

fn expanded(template: &str, labels: &Labels, value: f64) -> String {
    let data = Data {
        labels,
        value,
        external_labels: &Labels::new([("region", "eu")]),
        external_url: "http://prometheus.example.com:9090/path/prefix",
        query: &query,
        now_ms: 0,
    };
    let template = Template::parse(template).unwrap_or_else(|error| panic!("{template}: {error}"));
    template.expand(&data).unwrap_or_else(|error| error.in_place_of_text("Row"))
}

#[test]
fn templates_expand_as_in_the_table() {
    let path = "/a b?c=\"d\"&<e>'f'";
    let labels = Labels::new([("instance", "web-1.example.com:8080"), ("job", "backend"), ("path", path)]);
    let mut wrong = Vec::new();
    for row in TABLE.lines() {
        let row: serde_json::Value = serde_json::from_str(row).unwrap();
        let (template, expected) = (row["template"].as_str().unwrap(), row["expected"].as_str().unwrap());
        let value = row["value"].as_str().unwrap_or("1.5").parse().unwrap();
        let actual = expanded(template, &labels, value);
        if actual != expected {
            wrong.push(format!("{template}\n  expected {expected}\n  is       {actual}"));
        }
    }
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
    assert!(TABLE.lines().count() > 400);
}

#[test]
fn the_metrics_name_is_a_label() {
    let labels = Labels::new([("__name__", "up"), ("job", "x")]);
    assert_eq!(expanded("{{ $labels.__name__ }} {{ $labels }}", &labels, 1.0), "up map[__name__:up job:x]");
}

#[test]
fn what_cannot_be_meant_is_refused_with_its_place() {
    let check = |template: &str, offset: usize, message: &str| match Template::parse(template) {
        Ok(_) => panic!("{template} is accepted"),
        Err(error) => {
            assert_eq!((error.message.as_str(), error.offset), (message, offset), "{template:.200}")
        }
    };
    check("a {{ humanise $value }}", 5, "function \"humanise\" is not defined: did you mean humanize?");
    check("{{ nonsense }}", 3, "function \"nonsense\" is not defined");
    check(
        "{{ call $value }}",
        3,
        "function call is not supported: a rule's template has no functions to call",
    );
    check(
        "{{ tmpl \"a\" . }}",
        3,
        "function tmpl is for console templates: in rules it is {{ template \"name\" . }}",
    );
    check("{{ $label.job }}", 3, "undefined variable $label");
    check("{{ if true }}{{ $x := 1 }}{{ end }}{{ $x }}", 38, "undefined variable $x");
    check("{{ if true }}{{ $x := 1 }}{{ else }}{{ $x }}{{ end }}", 39, "undefined variable $x");
    check("{{ $x = 1 }}", 3, "undefined variable $x");
    check("{{ $x := $x }}", 9, "undefined variable $x");
    check("{{ define \"a\" }}{{ $labels }}{{ end }}", 19, "undefined variable $labels");
    check("a {{ $value", 2, "unclosed action: expected `}}`");
    check("a {{ \"x }}", 5, "unterminated quoted string: expected \"");
    check("a {{ \"x\n\" }}", 5, "unterminated quoted string: expected \"");
    check("{{ `x }}", 3, "unterminated quoted string: expected `");
    check("{{ \"\\y\" }}", 3, "invalid escape \\y in \"\\y\"");
    check("{{ 'ab' }}", 3, "malformed character constant: 'ab': quote text with \"");
    check("{{/* a }}", 0, "unclosed comment: expected `*/}}`");
    check("{{/* a */ }}", 9, "comment ends before closing delimiter: expected `}}` right after `*/`");
    check("{{ }}", 3, "missing value for command");
    check("{{ 1 | }}", 7, "missing command after |");
    check("{{ | 1 }}", 3, "unexpected | in command");
    check("{{ 1 | 2 }}", 7, "non executable command in pipeline stage 2");
    check("{{ (1 }}", 3, "unclosed left paren");
    check("{{ 1) }}", 4, "unexpected right paren");
    check("{{ () }}", 4, "missing value for parenthesized pipeline");
    check("{{ $value! }}", 9, "bad character '!' after a name");
    check("{{ ? }}", 3, "unrecognized character in action: '?'");
    check("{{ $a, $b := 1 }}", 5, "too many declarations in command");
    check("{{ range $a, $b, $c := 1 }}{{ end }}", 15, "too many declarations in range");
    check("{{ range $a, 1 }}{{ end }}", 13, "range can only initialize variables: expected a second one");
    check("{{ 1.2.3 }}", 3, "bad number syntax: 1.2.3");
    check("{{ 1i }}", 3, "complex numbers are not supported: 1i");
    check("{{ 99999999999999999999 }}", 3, "integer overflow: 99999999999999999999");
    check("{{ 1.foo }}", 3, "bad number syntax: 1.foo");
    check("{{ true.foo }}", 7, "unexpected . after term true");
    check("{{ if true }}a", 3, "if is not closed: expected {{end}}");
    check("{{ range 1 }}a{{ else }}b", 3, "range is not closed: expected {{end}}");
    check("{{ with 1 }}a{{ else }}b{{ else }}c{{ end }}", 24, "a second {{else}}: expected {{end}}");
    check("a{{ end }}", 1, "unexpected {{end}}");
    check("a{{ else }}", 1, "unexpected {{else}}");
    check("{{ if }}a{{ end }}", 6, "missing value for if");
    check("{{ if true }}{{ end 1 }}", 20, "unexpected 1 in end");
    check("{{ break }}", 3, "{{break}} outside of {{range}}");
    check("{{ range 1 }}{{ else }}{{ continue }}{{ end }}", 26, "{{continue}} outside of {{range}}");
    check("{{ template \"x\" }}", 12, "template \"x\" is not defined");
    check("{{ template x }}", 12, "expected the template's name in quotes after template");
    check("{{ define \"x\" }}a{{ end }}{{ define \"x\" }}b{{ end }}", 26, "template \"x\" is defined twice");
    check("{{ define \"x\" }}a", 0, "define is not closed: expected {{end}}");
    let inside = "unexpected define inside of another block: define templates beside each other";
    check("{{ if true }}{{ define \"x\" }}a{{ end }}{{ end }}", 16, inside);
    check("{{ $x 1 := 2 }}", 3, "undefined variable $x");
    check("{{ print 1 := 2 }}", 11, "unexpected := in operand");
    check("{{ print(1) }}", 8, "unexpected ( in operand");
    let deep = "more than 100 blocks and parentheses inside each other";
    check(&format!("{{{{ {}1{} }}}}", "(".repeat(5000), ")".repeat(5000)), 104, deep);
    check(&"{{ if true }}".repeat(5000), 1305, deep);
    check(&format!("{{{{ if true }}}}{}{{{{ end }}}}", "{{ else if true }}".repeat(5000)), 1805, deep);
}

#[test]
fn what_does_not_end_is_given_up() {
    let labels = Labels::empty();
    let check = |template: &str, expected: &str| {
        let text = expanded(template, &labels, 1.0);
        assert!(text.contains(expected), "{template}: {}", &text[..text.len().min(300)]);
    };
    check("{{ range 1000000000000 }}{{ end }}", "it takes more than 1000000 steps");
    check("{{ range 1000000 }}0123456789abcdef0123456789{{ end }}", "its text is longer than 1048576 bytes");
    check(
        "{{ define \"x\" }}{{ template \"x\" }}{{ end }}{{ template \"x\" }}",
        "exceeded maximum template depth (50)",
    );
}

/// Templates broken at random: each is refused with a place in it, or expands.
#[test]
fn no_broken_template_breaks_the_parser() {
    let rows: Vec<serde_json::Value> = TABLE.lines().map(|row| serde_json::from_str(row).unwrap()).collect();
    let pieces = [
        "{{",
        "}}",
        "{{-",
        "-}}",
        "(",
        ")",
        "|",
        "\"",
        "`",
        "'",
        "\\",
        "$",
        ".",
        "é",
        "\n",
        "%",
        "[",
        "*",
        "{{ end }}",
        "{{ else }}",
        ":=",
        ",",
        "1e9",
        "nil",
        " ",
    ];
    let labels = Labels::new([("job", "é")]);
    let mut random = fastrand::Rng::with_seed(20_260_102);
    let (mut accepted, mut refused) = (0, 0);
    for _ in 0..20_000 {
        let row = random.choice(&rows).unwrap();
        let mut text: Vec<char> = row["template"].as_str().unwrap().chars().collect();
        for _ in 0..random.usize(1..4) {
            let at = random.usize(..=text.len());
            let end = (at + random.usize(0..4)).min(text.len());
            match random.u8(0..3) {
                0 => drop(text.drain(at..end)),
                1 => drop(text.splice(at..at, random.choice(pieces).unwrap().chars())),
                _ => drop(text.splice(at..end, random.choice(pieces).unwrap().chars())),
            }
        }
        let text: String = text.into_iter().collect();
        match Template::parse(&text) {
            Ok(_) => {
                accepted += 1;
                expanded(&text, &labels, 1.5);
            }
            Err(error) => {
                refused += 1;
                assert!(
                    text.is_char_boundary(error.offset) && !error.message.is_empty(),
                    "{text}: {error:?}"
                );
            }
        }
    }
    assert!(accepted > 1_000 && refused > 1_000, "{accepted} accepted, {refused} refused");
}

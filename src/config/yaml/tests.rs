//! Places, merge keys and what is refused.

use super::*;

fn tree(text: &str) -> Node {
    read(text, &mut Vec::new()).unwrap_or_else(|problem| panic!("{problem:?}"))
}

fn place(line: u32, column: u32, length: u32) -> Place {
    Place { line, column, length }
}

#[test]
fn values_and_keys_know_their_places() {
    let text = "a: one\nä: 'two'\nc:\n  - \"three\"\n  - d: |\n      four\n    e:\nf: {g: 5,\r\n  h: six\n    seven}\n";
    let root = tree(text);
    let value = |key: &str| root.get(key).unwrap();
    assert_eq!(value("a").place, place(1, 4, 3));
    assert_eq!(root.entry("ä").unwrap().0.place, place(2, 1, 1));
    assert_eq!(value("ä").place, place(2, 4, 5));
    assert_eq!(value("ä").text_column, Some(5));
    let Kind::Seq(items) = &value("c").kind else { panic!("no list") };
    assert_eq!(items[0].place, place(4, 5, 7));
    assert_eq!(items[1].place, place(5, 5, 1), "a block mapping stands at its first key");
    assert_eq!(items[1].get("d").unwrap().text_column, None);
    assert_eq!(items[1].get("e").unwrap().place, place(7, 5, 1), "an absent value stands at its key");
    let flow = value("f");
    assert_eq!((flow.place, flow.owner), (place(8, 4, 1), place(8, 1, 1)));
    assert_eq!(flow.get("g").unwrap().place, place(8, 8, 1));
    let folded = flow.get("h").unwrap();
    assert_eq!((folded.place, folded.text_column), (place(9, 6, 3), None));
}

#[test]
fn escaped_texts_have_no_places_within() {
    let root = tree("a: \"x\\ty\"\nb: 'it''s'\nc: 'its'\n");
    let column = |key: &str| root.get(key).unwrap().text_column;
    assert_eq!((column("a"), column("b"), column("c")), (None, None, Some(5)));
}

#[test]
fn merged_keys_do_not_replace_what_is_there() {
    let root = tree("x: &x {a: 1, b: 2}\ny: &y {b: 3, c: 4}\nz:\n  <<: [*x, *y]\n  a: 0\n");
    let of = |key: &str| root.get("z").unwrap().get(key).unwrap().scalar().unwrap().text.clone();
    assert_eq!([of("a"), of("b"), of("c")], ["0", "2", "4"]);
    assert!(tree("'<<': 1").get("<<").is_some(), "a quoted `<<` is a name like any other");
}

#[test]
fn each_duplicate_key_is_reported_with_both_places() {
    let mut problems = Vec::new();
    let root = read("a: 1\nb: 2\na: 3\nb: 4\n", &mut problems).unwrap();
    assert_eq!(root.get("a").unwrap().scalar().unwrap().text, "1");
    let helps: Vec<&str> = problems.iter().filter_map(|problem| problem.help.as_deref()).collect();
    assert_eq!(helps, ["already given at 1:1", "already given at 2:1"]);
}

#[test]
fn what_flow_style_tears_apart_says_how_to_quote() {
    for text in [
        "a: {b: ${C}}",
        "a: {b: ${C}/d}",
        "a: {b: {{ c }}}",
        "a: {{ c }}",
        "- {{ c }}",
        "a: [{{ c }}]",
        "a: {b: c[0]}",
        "a: {b: x {{ c }} y}",
    ] {
        let help = read(text, &mut Vec::new()).err().and_then(|problem| problem.help);
        assert!(
            help.is_some_and(|help| help.contains(QUOTE_IN_FLOW)),
            "{text}: {:?}",
            read(text, &mut Vec::new())
        );
    }
}

//! Templates, JSON templates and expressions as the rest of the program uses them.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use serde_json::json;

use super::*;

/// A chat's answer, VU 3, iteration 0, with `token` captured.
struct World {
    vars: Value,
    data: Value,
    locals: Locals,
    exchange: ExchangeView,
}

impl World {
    fn new(body: &'static str) -> Self {
        let vars = Value::from_pairs([("NAME", Value::from("alice")), ("SIZE", Value::from(3))]);
        let mut locals = Locals::new();
        locals.set(&Arc::from("token"), Value::from("a\"b"));
        let mut headers = HeaderMap::new();
        headers.insert("content-type", "application/json".parse().unwrap());
        let body = Bytes::from_static(body.as_bytes());
        let exchange = ExchangeView::new(200, headers, body, Duration::from_micros(1_500), None);
        let data =
            Value::from_pairs([("users", Value::from_pairs([("email", "a@b.c")])), ("ids", Value::from(7))]);
        World { vars, data, locals, exchange }
    }

    fn scope(&self) -> Scope<'_> {
        Scope {
            vu: 3,
            iteration: 0,
            scenario: "chat",
            vars: &self.vars,
            data: &self.data,
            locals: &self.locals,
            exchange: Some(&self.exchange),
        }
    }
}

fn names() -> Names {
    let tables = [("users", Some(vec!["email".to_owned()])), ("ids", None)];
    let tables = tables.map(|(name, columns)| (name.to_owned(), columns)).into();
    let mut names = Names::new(["NAME", "SIZE"]).with_data(tables).with_exchange();
    names.add("token");
    names.add("late");
    names
}

const BODY: &str = r#"{"type":"done","n":2,"items":[{"id":"x"}],"nested":{"b":1,"a":[true,null]}}"#;

fn rendered(text: &str) -> Result<String, String> {
    let template = Template::compile(text, &names()).unwrap_or_else(|error| panic!("{text}: {error}"));
    let world = World::new(BODY);
    template.render(&world.scope()).map(|text| text.into_owned()).map_err(|error| error.to_string())
}

fn evaluated(text: &str) -> Result<Value, String> {
    let expression = Expression::compile(text, &names()).unwrap_or_else(|error| panic!("{text}: {error}"));
    expression.eval(&World::new(BODY).scope()).map_err(|error| error.to_string())
}

fn refused(text: &str) -> TemplateError {
    Expression::compile(text, &names()).expect_err(text)
}

#[test]
fn a_template_is_rendered_with_the_scopes_values() {
    for (text, expected) in [
        ("hello from {{ vu }}", "hello from 3"),
        ("{{vu}}/{{ iteration }}/{{ scenario }}", "3/0/chat"),
        ("{{ vars.NAME }}-{{ token }}", "alice-a\"b"),
        ("{\"a\":{\"b\":{{ vu }}}}", "{\"a\":{\"b\":3}}"),
        ("{{ json.nested }}", "{\"b\":1,\"a\":[true,null]}"),
        ("{{ json.nested.a[1] }}", "null"),
        ("{{ status == 200 }}", "true"),
        ("{{ vu * 2 + 1 }}", "7"),
        ("{{ '%05d'|format(vu) }}", "00003"),
        ("{{ vars.NAME|upper }}", "ALICE"),
        ("{{ '%(n)03d 2026'|format(n=vu) }}", "003 2026"),
        ("{{ 'order-20260101-%.2f'|format(vu / 2) }}", "order-20260101-1.50"),
        ("{{ 'a b&c'|urlencode }}", "a%20b%26c"),
        ("{{ {'a': {'b': vu}} }}", "{\"a\":{\"b\":3}}"),
        ("{{ '}}' ~ vu }}", "}}3"),
        ("{{ 'it\\'s' ~ vu }}", "it's3"),
        ("{{ [1, '<'] | tojson }}", "[1,\"<\"]"),
        ("{{ 'abc'|base64 }}", "YWJj"),
        ("{{ duration }} ms", "1.5 ms"),
        ("{{ headers['Content-Type'] }}", "application/json"),
        ("{{ json.missing|default('none such') }}", "none such"),
        ("}} { {", "}} { {"),
    ] {
        assert_eq!(rendered(text).as_deref(), Ok(expected), "{text}");
    }
}

#[test]
fn a_constant_template_is_borrowed() {
    let world = World::new(BODY);
    for (text, expected) in [("", ""), ("plain", "plain"), ("a {{ '{%' }} b {{ 1 }}", "a {% b 1")] {
        let template = Template::compile(text, &names()).unwrap();
        assert_eq!(template.constant(), Some(expected));
        assert!(
            matches!(template.render(&world.scope()), Ok(std::borrow::Cow::Borrowed(text)) if text == expected)
        );
    }
    assert_eq!(Template::compile("{{ vu }}", &names()).unwrap().constant(), None);
}

#[test]
fn a_json_template_keeps_types_order_and_escaping() {
    let document = json!({
        "type": "message",
        "content": "from {{ vu }}: {{ token }}",
        "vu": "{{ vu }}",
        "even": "{{ vu % 2 == 0 }}",
        "copy": "{{ json.nested }}",
        "note": "a \"quote\"",
        "{{ scenario }}": [1.5, null, "{{ '7' }}", "{{ 7 }}"],
    });
    let template = Template::compile_json(&document, &names()).unwrap();
    let world = World::new(BODY);
    let rendered = template.render(&world.scope()).unwrap();
    assert_eq!(
        rendered,
        r#"{"type":"message","content":"from 3: a\"b","vu":3,"even":false,"copy":{"b":1,"a":[true,null]},"note":"a \"quote\"","chat":[1.5,null,"7",7]}"#
    );
    assert_eq!(template.reads(), ExchangeReads { anything: true, headers: false, body: true });
}

#[test]
fn a_constant_json_document_is_written_once_and_borrowed() {
    let document = json!({"a": ["x\n", 1, {"b": "{{ 'é' }}"}], "c": {}, "d": "{{ 1 }}-{{ '\"' }}"});
    let template = Template::compile_json(&document, &names()).unwrap();
    assert_eq!(template.constant(), Some(r#"{"a":["x\n",1,{"b":"é"}],"c":{},"d":"1-\""}"#));
    let world = World::new(BODY);
    assert!(matches!(template.render(&world.scope()), Ok(std::borrow::Cow::Borrowed(_))));
}

#[test]
fn an_error_in_a_json_template_says_in_which_string() {
    let document = json!({"a/b": [0, {"c": "x {{ statsu }}"}]});
    let error = Template::compile_json(&document, &names()).unwrap_err();
    assert_eq!(error.pointer.as_deref(), Some("/a~1b/1/c"));
    assert_eq!((error.offset, error.message.as_str()), (Some(5), "unknown name `statsu`"));
}

#[test]
fn a_malformed_template_is_refused_with_its_place() {
    for (text, offset, message, help) in [
        ("a {{ vu", 2, "`{{` is not closed", "end the expression with `}}`"),
        (
            "a {% if x %}",
            2,
            "statements are not supported: only `{{ }}` is",
            "for the characters themselves write `{{ \"{%\" }}`",
        ),
        (
            "{# hi #}",
            0,
            "comments are not supported: use YAML's `#`",
            "for the characters themselves write `{{ \"{#\" }}`",
        ),
        ("{{- vu }}", 2, "`{{-` and `-}}` are not supported", "put a space before and after the expression"),
        ("a {{ vu == }}", 8, "unexpected end of input, expected expression", ""),
        ("é {{ }}", 5, "the expression is empty", ""),
    ] {
        let error = check_syntax_template(text).expect_err(text);
        assert_eq!((error.offset, error.message.as_str()), (Some(offset), message), "{text}");
        assert_eq!(error.help.as_deref().unwrap_or_default(), help, "{text}");
        assert_eq!(Template::compile(text, &names()).expect_err(text), error);
    }
}

#[test]
fn a_malformed_expression_is_refused_with_what_to_write() {
    for (text, offset, help) in [
        ("status = 200", 7, "compare with `==`"),
        ("status === 200", 9, "compare with `==`"),
        ("vu == 1 && status", 8, "write `and` for `&&`"),
        ("vu || status", 3, "write `or` for `||`"),
        ("!vu", 0, "write `not` for `!`"),
        ("vu ? 1 : 2", 3, "write `a if condition else b` for `condition ? a : b`"),
        ("{{ vu }}", 0, "this place takes an expression: write it without `{{ }}`"),
        ("vu|uper", 3, "minijinja's documentation lists every filter"),
        ("vu is even_number", 6, "minijinja's documentation lists every test"),
    ] {
        let error = check_syntax_expression(text).expect_err(text);
        assert_eq!((error.offset, error.help.as_deref()), (Some(offset), Some(help)), "{text}: {error}");
    }
}

#[test]
fn an_unknown_name_is_refused_and_near_ones_are_named() {
    for (text, offset, message, help) in [
        ("statsu == 200", 0, "unknown name `statsu`", "did you mean `status`?"),
        ("vu == 1 and tokn", 12, "unknown name `tokn`", "did you mean `token`?"),
        ("json.type == done", 13, "unknown name `done`", "capture or `set` it before, or quote it: \"done\""),
        ("json.x == null", 10, "unknown name `null`", "write `none`"),
        ("NAME", 0, "unknown name `NAME`", "write `vars.NAME`"),
        ("data.user.email", 0, "there is no table `data.user`", "did you mean `users`?"),
        ("data['quux']", 0, "there is no table `data.quux`", "declared under the plan's `data`: ids, users"),
        ("data.users.mail", 0, "`data.users` has no column `mail`", "did you mean `email`?"),
        ("data.users['age']", 0, "`data.users` has no column `age`", "it has email"),
        (
            "data[vu]",
            0,
            "`data` is no value of its own",
            "name a table of it: `data.TABLE`, or `data.TABLE.COLUMN`",
        ),
        (
            "data",
            0,
            "`data` is no value of its own",
            "name a table of it: `data.TABLE`, or `data.TABLE.COLUMN`",
        ),
        ("vars.NAEM", 0, "`vars.NAEM` is not declared", "did you mean `NAME`?"),
        ("vars['QUUX']", 0, "`vars.QUUX` is not declared", "declare it under the plan's `vars`"),
        ("uuid", 0, "`uuid` is a function", "call it: `uuid()`"),
        ("uid()", 0, "unknown function `uid`", "did you mean `uuid`?"),
        ("status()", 0, "`status` is not a function", ""),
        ("statsu[1:2]", 0, "unknown name `statsu`", "did you mean `status`?"),
        ("self.x()", 0, "unknown name `self`", "capture or `set` it before, or quote it: \"self\""),
    ] {
        let error = refused(text);
        assert_eq!((error.offset, error.message.as_str()), (Some(offset), message), "{text}");
        assert_eq!(error.help.as_deref().unwrap_or_default(), help, "{text}");
    }
}

#[test]
fn names_of_an_exchange_are_known_only_after_one() {
    let error = Expression::compile("status == 200", &Names::new(["NAME"])).unwrap_err();
    assert_eq!(error.message, "`status` is known only after an exchange");
    assert!(Expression::compile("vu > 1 and vars.NAME", &Names::new(["NAME"])).is_ok());
}

#[test]
fn what_stands_after_a_dot_a_bar_or_is_needs_not_be_a_name() {
    for text in [
        "json.whatever.status_code",
        "json.x is defined",
        "json.x is not defined and vu",
        "vu is divisibleby 3",
        "vu is divisibleby(vu)",
        "json.items|map(attribute='id')|list",
        "json.items|join(',')",
        "dict(a=vu)",
        "range(3)|list",
        "json.n is not in [1, 2]",
    ] {
        assert!(Expression::compile(text, &names()).is_ok(), "{text}");
    }
}

#[test]
fn a_captured_name_must_not_mean_something_else() {
    for name in ["token", "_x1", "order_id"] {
        assert!(Names::check_name(name).is_ok(), "{name}");
    }
    for name in
        ["", "1a", "a-b", "a b", "é", "status", "vars", "data", "uuid", "range", "not", "true", "loop"]
    {
        assert!(Names::check_name(name).is_err(), "{name}");
    }
}

#[test]
fn an_undefined_field_is_an_error_that_names_its_path() {
    for (text, message) in [
        ("json.foo", "`json.foo` is undefined"),
        ("json.foo == 1", "`json.foo` is undefined"),
        ("json.foo.bar.baz", "`json.foo` is undefined"),
        ("json.items[7].id == 'x'", "`json.items[7]` is undefined"),
        ("json.foo + 1", "`json.foo` is undefined"),
        ("json.foo|upper", "`json.foo` is undefined"),
        ("json.foo|length > 0", "`json.foo` is undefined"),
        ("sha256(json.foo)", "`json.foo` is undefined"),
        ("vu ~ json.foo", "`json.foo` is undefined"),
        ("json[vars.NAME]", "`json[vars.NAME]` is undefined"),
        ("json.items[5:]|first", "`json.items[5:]|first` is undefined"),
        ("1 if json.foo else 2", "`json.foo` is undefined"),
        ("1 < json.foo < 3", "`json.foo` is undefined"),
        ("json.foo in ['x']", "`json.foo` is undefined"),
        ("'x' in json.foo", "`json.foo` is undefined"),
        ("late == 1", "`late` is undefined"),
        ("headers.x_missing", "`headers.x_missing` is undefined"),
        ("headers['x-missing']", "`headers['x-missing']` is undefined"),
    ] {
        assert_eq!(evaluated(text), Err(message.to_owned()), "{text}");
    }
}

#[test]
fn a_body_that_is_not_json_is_said_to_be_none() {
    let expression = Expression::compile("json.type == 'done'", &names()).unwrap();
    let world = World::new("<html>");
    let error = expression.is_true(&world.scope()).unwrap_err();
    assert_eq!(error.to_string(), "`json` is undefined: the body is not JSON");
}

#[test]
fn an_operation_that_does_not_fit_is_an_error() {
    for (text, message) in [
        ("vars.NAME + 1", "tried to use + operator on unsupported types string and number"),
        ("random_int(2, 1)", "random_int(2, 1): the first must not be above the second"),
        ("random_string(1048577)", "random_string(1048577): at most 1048576 characters"),
        ("random_choice([])", "random_choice: the list is empty"),
        ("random_choice('abc')", "random_choice needs a list, not string"),
        ("'%1000000000d'|format(vu)", "format: a width is at most 1000, not 1000000000"),
        ("'%(n)1000000000d'|format(n=vu)", "format: a width is at most 1000, not 1000000000"),
        ("'%.9999f'|format(vu)", "format: a width is at most 1000, not 9999"),
        ("'%99999999999999999999d'|format(vu)", "format: a width is at most 1000, not 99999999999999999999"),
        ("json.type.upper()", "string has no method named upper"),
    ] {
        assert_eq!(evaluated(text), Err(message.to_owned()), "{text}");
    }
}

#[test]
fn an_error_does_not_repeat_all_that_the_target_sent() {
    let body = format!("\"{}\"", "é".repeat(10_000)).leak();
    let world = World::new(body);
    let expression = Expression::compile("json", &names()).unwrap();
    let message = expression.number(&world.scope()).unwrap_err().to_string();
    assert!(message.starts_with("a number is needed, not \"é") && message.len() < 310, "{message}");
}

#[test]
fn a_number_is_taken_from_numbers_booleans_and_numeric_strings() {
    let world =
        World::new(r#"{"i":-3,"f":1.5,"b":true,"s":" 2.5 ","t":"x","z":null,"big":18446744073709551615}"#);
    let number = |text: &str| Expression::compile(text, &names()).unwrap().number(&world.scope());
    for (text, expected) in [
        ("json.i", -3.0),
        ("json.f", 1.5),
        ("json.b", 1.0),
        ("json.s", 2.5),
        ("json.i == 1", 0.0),
        ("vu / 2", 1.5),
        ("json.big", 18_446_744_073_709_551_615.0),
    ] {
        assert_eq!(number(text), Ok(expected), "{text}");
    }
    for (text, message) in [
        ("json.t", "a number is needed, not \"x\""),
        ("json.z", "a number is needed, not null"),
        ("json", "a number is needed, not {\"i\":-3,"),
        ("'nan'", "a number is needed, not \"nan\""),
        ("json.q", "`json.q` is undefined"),
    ] {
        let error = number(text).unwrap_err().to_string();
        assert!(error.starts_with(message), "{text}: {error}");
    }
}

#[test]
fn an_expression_knows_what_it_reads_of_exchanges() {
    for (text, anything, headers, body) in [
        ("status == 200", true, false, false),
        ("'x' in body", true, false, true),
        ("json.type == 'done'", true, false, true),
        ("body[0:10]", true, false, true),
        ("json[0:1]|length", true, false, true),
        ("status == 500 or headers.etag", true, true, false),
        ("[headers]|length and sha256(body)", true, true, true),
        ("'body'", false, false, false),
        ("token.body", false, false, false),
        ("vu", false, false, false),
    ] {
        let reads = ExchangeReads { anything, headers, body };
        assert_eq!(Expression::compile(text, &names()).unwrap().reads(), reads, "{text}");
        let template = Template::compile(&format!("a {{{{ {text} }}}}"), &names()).unwrap();
        assert_eq!(template.reads(), reads, "{text}");
    }
}

#[test]
fn functions_give_what_their_names_say() {
    for (text, expected) in [
        ("random_int(5, 5)", Value::from(5)),
        ("random_string(12)|length", Value::from(12)),
        ("random_choice(['a'])", Value::from("a")),
        ("uuid()|length", Value::from(36)),
        ("now()|length", Value::from(24)),
        ("timestamp_ms() > 1700000000000", Value::from(true)),
        ("base64('foob')", Value::from("Zm9vYg==")),
        ("'foob'|sha256 == sha256('foob')", Value::from(true)),
        ("hmac_sha256('k', 'd')|length", Value::from(64)),
        ("sha256(vu) == sha256('3')", Value::from(true)),
    ] {
        assert_eq!(evaluated(text), Ok(expected), "{text}");
    }
}

#[test]
fn hostile_expressions_are_refused_without_exhausting_the_stack() {
    let deep = [
        "not ".repeat(100_000) + "vu",
        "-".repeat(100_000) + "1",
        "(".repeat(100_000),
        "[".repeat(100_000),
        "vu+".repeat(100_000) + "1",
        "vu".to_owned() + &".x".repeat(100_000),
        "{{".repeat(100_000),
    ];
    for text in &deep {
        assert!(Expression::compile(text, &names()).is_err());
    }
    // As long as one may be.
    for unit in ["not ", "- ", "(", "[", "vu+", "vu and ", "vu if vu else ", "vu|abs+", "vu==", "vu~"] {
        let operations = 250 / unit.split_whitespace().count().max(2);
        for end in ["vu", "1", ""] {
            if let Ok(expression) =
                Expression::compile(&format!("{}{end}", unit.repeat(operations)), &names())
            {
                let _ = expression.eval(&World::new(BODY).scope());
            }
        }
    }
    let world = World::new(Box::leak("[".repeat(1_000_000).into_boxed_str()));
    let json = Expression::compile("json", &names()).unwrap();
    assert!(json.eval(&world.scope()).is_err());
}

#[test]
fn a_long_list_of_constants_is_no_hostile_expression() {
    let codes: Vec<String> = (200..2_000).map(|code| code.to_string()).collect();
    assert_eq!(evaluated(&format!("status in [{}]", codes.join(", "))), Ok(Value::from(true)));
}

#[test]
fn compiled_templates_can_be_shared_between_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<Expression>();
    shared::<Template>();
    shared::<Names>();
}

#[test]
fn the_row_of_an_iteration_is_found_by_table_and_column() {
    assert_eq!(rendered("{{ data.users.email }} {{ data.ids + 1 }}").unwrap(), "a@b.c 8");
    assert_eq!(rendered("{{ data['users']['email'] | upper }}").unwrap(), "A@B.C");
    let tables =
        |text| Expression::compile(text, &names()).unwrap().tables().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(tables("data.users.email ~ data.ids ~ data.users.email"), ["ids", "users"]);
    assert_eq!(tables("vars.NAME"), [""; 0]);
    let template = Template::compile("{{ vu }}{{ data.ids }}", &names()).unwrap();
    assert_eq!(template.tables().collect::<Vec<_>>(), ["ids"]);
}

#[test]
fn a_message_says_when_it_was_read_and_another_exchange_does_not() {
    let mut world = World::new(BODY);
    let expression = Expression::compile("received_ms - 1000", &names()).unwrap();
    assert_eq!(expression.eval(&world.scope()).unwrap_err().to_string(), "`received_ms` is undefined");
    let exchange = ExchangeView::new(101, HeaderMap::new(), Bytes::new(), Duration::ZERO, None);
    world.exchange = exchange.received_at(std::time::UNIX_EPOCH + Duration::from_micros(1_500_500));
    assert_eq!(expression.number(&world.scope()), Ok(500.5));
}

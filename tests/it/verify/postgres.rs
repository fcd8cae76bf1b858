//! PostgreSQL: what is found, what is refused, and what is settled.

use loadgate::verdict::Verdict;

use super::{outcomes, plan, plan_with, verified, written};
use crate::stage::{HttpServer, Postgres, reply, run};

const ORDERS: &str = "
CREATE TABLE orders (id serial PRIMARY KEY, product_id text NOT NULL);
INSERT INTO orders (product_id) SELECT 'iphone-15' FROM generate_series(1, 101);
INSERT INTO orders (product_id) SELECT 'other' FROM generate_series(1, 1500);
";

#[test]
fn one_order_in_a_hundred_too_many_fails_the_run() {
    let Some(server) = Postgres::start() else { return };
    server.execute(ORDERS);
    let (ran, outcomes) = verified(&format!(
        "- postgres:
    url: '{}'
    query: SELECT COUNT(*) FROM orders WHERE product_id = 'iphone-15'
    equals: 100",
        server.url()
    ));
    assert_eq!(outcomes, ["postgres 1: failed 101, wanted equals 100"]);
    assert_eq!(ran.finished.verdict, Verdict::Failed);
    assert_eq!(ran.verdict().lines().next().unwrap(), "verdict: FAILED (exit 99): verify postgres 1");
    assert_eq!(ran.last.sum("loadgate_verification_ok", &[("verification", "postgres 1")]), Some(0.0));
    assert!(!written(&ran).contains("canary"), "{}", written(&ran));
}

#[test]
fn each_kind_of_answer_is_judged_as_what_it_is_and_nothing_is_written() {
    let Some(server) = Postgres::start() else { return };
    server.execute(ORDERS);
    let url = server.url();
    let ask = |name: &str, query: &str, demand: &str| {
        format!("- postgres: {{name: {name}, url: '{url}', query: \"{query}\", {demand}}}\n")
    };
    let verify = [
        ask("count", "SELECT COUNT(*) FROM orders", "equals: 1601"),
        ask("text of a number", "SELECT COUNT(*) FROM orders", "equals: '1601'"),
        ask("small", "SELECT 1::int2", "at_least: 1, at_most: 1"),
        ask("numeric", "SELECT sum(0.1) FROM generate_series(1, 1000)", "equals: 100"),
        ask("float", "SELECT 0.5::float8", "equals: 0.5"),
        ask("bool", "SELECT true", "equals: true"),
        ask("text", "SELECT 'sold out'", "equals: sold out"),
        ask("nothing", "SELECT max(id) FROM orders WHERE id < 0", "equals: 0"),
        ask("json", "SELECT jsonb_build_object('left', 3)", "checks: {left: json.left == 3}"),
        ask(
            "rows",
            "SELECT product_id, COUNT(*) AS n FROM orders GROUP BY 1 ORDER BY 2",
            "checks: {two: rows | length == 2, few: 'rows[0].n == 101', value: 'value == \"iphone-15\"'}",
        ),
        ask("no row", "SELECT id FROM orders WHERE id < 0", "equals: 0"),
        ask("many rows", "SELECT id FROM orders", "at_least: 0"),
        ask("insert", "INSERT INTO orders (product_id) VALUES ('x') RETURNING id", "at_least: 0"),
        ask("delete", "DELETE FROM orders", "at_least: 0"),
        ask("commit", "COMMIT", "at_least: 0"),
        ask("two", "SELECT 1; DELETE FROM orders", "equals: 1"),
        ask("no table", "SELECT 1 FROM nothing", "equals: 1"),
        ask("sleep", "SELECT 1 FROM pg_sleep(600)", "equals: 1, timeout: 200ms"),
    ];
    let (ran, outcomes) = verified(&verify.concat());
    for (outcome, expected) in outcomes.iter().zip([
        "count: held 1601",
        "text of a number: held 1601",
        "small: held 1",
        "numeric: held 100",
        "float: held 0.5",
        "bool: held true",
        "text: held \"sold out\"",
        "nothing: failed null, wanted equals 0",
        "json: held \"{\\\"left\\\": 3}\"",
        "rows: held \"iphone-15\"",
        "no row: unknown it gave no row",
        "many rows: unknown it gives more than 1000 rows: count them in the statement, or add LIMIT",
        "insert: unknown ERROR: cannot execute INSERT in a read-only transaction (SQLSTATE 25006)",
        "delete: unknown the statement gives no rows: ask with one that reads, such as SELECT",
        "commit: unknown the statement gives no rows: ask with one that reads, such as SELECT",
        "two: unknown ERROR: cannot insert multiple commands into a prepared statement (SQLSTATE 42601)",
        "no table: unknown ERROR: relation \"nothing\" does not exist (SQLSTATE 42P01)",
    ]) {
        assert_eq!(outcome, expected);
    }
    // Whichever of the two timeouts was faster.
    assert!(outcomes[17].starts_with("sleep: unknown "), "{}", outcomes[17]);
    assert_eq!(outcomes.len(), 18);
    assert_eq!(ran.finished.verdict, Verdict::Failed, "a null is an answer, and not 0");
    assert_eq!(server.number("SELECT COUNT(*) FROM orders"), 1601);
    assert!(!written(&ran).contains("canary"));
}

#[test]
fn who_is_not_let_in_is_not_told_to_anybody() {
    let Some(server) = Postgres::start() else { return };
    let (ran, outcomes) = verified(&format!(
        "- postgres: {{url: '{}', query: SELECT 1, equals: 1}}",
        server.url_with("wrong-canary")
    ));
    let refused =
        "postgres 1: unknown FATAL: password authentication failed for user \"[redacted]\" (SQLSTATE 28P01)";
    assert_eq!(outcomes, [refused]);
    assert_eq!(ran.finished.verdict, Verdict::Inconclusive);
    assert!(!written(&ran).contains("canary"));
}

#[test]
fn a_database_that_is_gone_leaves_the_run_open() {
    let Some(server) = Postgres::start() else { return };
    let url = server.url();
    // Killed by the load's own request: it was there when the run began.
    let server = std::sync::Mutex::new(Some(server));
    let killer = HttpServer::start(move |_| {
        drop(server.lock().unwrap().take());
        async { reply(200, "") }
    });
    let verify = format!("- postgres: {{url: '{url}', query: SELECT 1, equals: 1}}");
    let ran = run(&plan_with(&format!("- http: {{url: '{}'}}", killer.url()), &verify));
    let outcomes = outcomes(&ran);
    assert!(outcomes[0].starts_with("postgres 1: unknown 127.0.0.1:"), "{outcomes:?}");
    assert!(outcomes[0].ends_with(": connection refused"), "{outcomes:?}");
    assert_eq!(ran.finished.verdict, Verdict::Inconclusive);
    let first = ran.verdict();
    assert_eq!(first.lines().next().unwrap(), "verdict: INCONCLUSIVE (exit 98): no answer to 1 verification");
}

#[test]
fn a_late_writer_is_waited_for_until_the_answer_holds_still() {
    let Some(server) = Postgres::start() else { return };
    server.execute("CREATE TABLE late (id serial)");
    let write = server.writer();
    let (stop, stopped) = std::sync::mpsc::channel::<()>();
    // Each answer differs from the one before, until twenty are there.
    let writer = std::thread::spawn(move || {
        for _ in 0..20 {
            write("INSERT INTO late DEFAULT VALUES");
            if stopped.recv_timeout(std::time::Duration::from_millis(10)).is_ok() {
                break;
            }
        }
    });
    let ask = |name: &str, rest: &str| {
        format!(
            "- postgres: {{name: {name}, url: '{}', query: SELECT COUNT(*) FROM late, {rest}}}\n",
            server.url()
        )
    };
    let ran = run(&plan(&ask("settled", "equals: 20, settle: 50s")));
    assert_eq!(outcomes(&ran), ["settled: held 20"]);
    drop(stop);
    writer.join().unwrap();
    // A clock never holds still.
    let moving = format!(
        "- postgres: {{url: '{}', query: SELECT clock_timestamp(), checks: {{any: value != ''}}, settle: 1s}}",
        server.url()
    );
    let ran = run(&plan(&moving));
    let outcomes = outcomes(&ran);
    let expected = "postgres 1: unknown the answer did not hold still within 1s (settle), the last was \"";
    assert!(outcomes[0].starts_with(expected), "{outcomes:?}");
    assert_eq!(ran.finished.verdict, Verdict::Inconclusive);
}

#[test]
fn sslmode_is_that_of_libpq() {
    let Some(server) = Postgres::start() else { return };
    let query = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    let ask = |host: &str, mode: &str, encrypted: bool| {
        let url = server.url().replace("127.0.0.1", host);
        format!("- postgres: {{url: '{url}{mode}', query: {query}, equals: {encrypted}}}\n")
    };
    let verify = [
        ask("127.0.0.1", "", true),
        ask("127.0.0.1", "?sslmode=disable", false),
        ask("127.0.0.1", "?sslmode=require", true),
        ask("127.0.0.1", "?sslmode=verify-full", true),
        ask("localhost", "?sslmode=verify-full", true),
    ];
    let certificate = server.certificate();
    let trusting = format!("defaults: {{tls: {{ca: '{}'}}}}\n", certificate.display());
    let ran = run(&format!("{}{trusting}", plan(&verify.concat())));
    let found = outcomes(&ran);
    assert_eq!(found[..3], ["postgres 1: held true", "postgres 2: held false", "postgres 3: held true"]);
    assert!(found[3].starts_with("postgres 4: unknown ") && found[3].contains("certificate"), "{found:?}");
    assert_eq!(found[4], "postgres 5: held true");
    // Nobody vouches for it.
    let ran = run(&plan(&ask("localhost", "?sslmode=verify-ca", true)));
    assert!(outcomes(&ran)[0].contains("certificate"), "{:?}", outcomes(&ran));
}

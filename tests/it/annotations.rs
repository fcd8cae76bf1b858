//! Templates of rules: the table of expansions before promtool, in which Go's own engine expands them.

use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

/// `src/rules/annotation/tests.rs` checks that we expand as it says.
const TABLE: &str = include_str!("../golden/templates.jsonl");

#[test]
fn promtool_expands_as_in_the_table() {
    let rows: Vec<Value> = TABLE.lines().map(|row| serde_json::from_str(row).unwrap()).collect();
    let judged: Vec<&Value> = rows.iter().filter(|row| row["unjudged"].is_null()).collect();
    assert!(
        judged.len() > 380 && rows.len() - judged.len() < 25,
        "{} rows, {} judged",
        rows.len(),
        judged.len()
    );
    let rules: Vec<Value> = judged.iter().enumerate().map(|(at, row)| rule(at, row)).collect();
    let expected: Vec<Value> = judged.iter().enumerate().map(|(at, row)| expectation(at, row)).collect();
    let pairs = labels();
    let pairs = pairs.as_object().unwrap().iter().map(|(name, value)| format!("{name}={value}"));
    let series = format!("demo{{{}}}", pairs.collect::<Vec<_>>().join(","));
    let test = json!({
        "rule_files": ["rules.yml"],
        "evaluation_interval": "1m",
        "tests": [{
            "interval": "1m",
            "external_labels": {"region": "eu"},
            "external_url": "http://prometheus.example.com:9090/path/prefix",
            "input_series": [
                {"series": series, "values": "1"},
                {"series": "load{host='a'}", "values": "1"},
                {"series": "load{host='b'}", "values": "2500"},
                {"series": "strings{__value__='text'}", "values": "1"},
            ],
            "alert_rule_test": expected,
        }],
    });
    let folder = TempDir::new().unwrap();
    // JSON is YAML.
    let rules = json!({"groups": [{"name": "templates", "rules": rules}]});
    std::fs::write(folder.path().join("rules.yml"), rules.to_string()).unwrap();
    std::fs::write(folder.path().join("test.yml"), test.to_string()).unwrap();
    match Command::new("promtool").args(["test", "rules"]).arg(folder.path().join("test.yml")).output() {
        Err(error) => {
            println!("skipped: promtool does not start ({error}); it comes with Debian's package prometheus");
        }
        Ok(output) => {
            let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
            assert!(output.status.success(), "{said}");
        }
    }
}

fn labels() -> Value {
    json!({"instance": "web-1.example.com:8080", "job": "backend", "path": "/a b?c=\"d\"&<e>'f'"})
}

fn rule(at: usize, row: &Value) -> Value {
    let expression = match row["value"].as_str() {
        // A sum with 0 is 0.
        Some("-0") => "demo * -0".to_owned(),
        value => format!("demo * 0 + {}", value.unwrap_or("1.5")),
    };
    json!({"alert": format!("Row{at}"), "expr": expression, "annotations": {"text": row["template"]}})
}

fn expectation(at: usize, row: &Value) -> Value {
    // Errors name the alert.
    let expected = row["expected"].as_str().unwrap().replace("__alert_Row", &format!("__alert_Row{at}"));
    let alert = json!({"exp_labels": labels(), "exp_annotations": {"text": expected}});
    json!({"eval_time": "0m", "alertname": format!("Row{at}"), "exp_alerts": [alert]})
}

//! `loadgate check` and `loadgate schema` of the daemon's configuration.

use std::os::unix::fs::PermissionsExt as _;

use super::*;

fn check(files: &[(&str, &str, u32)]) -> (String, i32) {
    let folder = tempfile::TempDir::new().unwrap();
    for (name, text, mode) in files {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(*mode)).unwrap();
    }
    let output = loadgate().args(["check", "loadgate.yml"]).current_dir(folder.path()).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (String::from_utf8(said).unwrap(), output.status.code().unwrap())
}

#[test]
fn a_configuration_is_checked_beside_plans() {
    let shipped = include_str!("../../../config/loadgate.yml");
    let (said, code) = check(&[("loadgate.yml", shipped, 0o644)]);
    assert_eq!((said.as_str(), code), ("loadgate.yml: ok, listens on 127.0.0.1:5665\n", 0));
    let (said, code) = check(&[("loadgate.yml", "listen: 0.0.0.0:5665\nplans: []\n", 0o644)]);
    assert_eq!(code, 104, "{said}");
    assert!(said.contains("that needs tokens") && said.contains("loadgate.yml:1:9"), "{said}");
}

#[test]
fn tokens_that_others_can_read_are_refused_and_never_shown() {
    const CONFIG: &str = "listen: 0.0.0.0:5665\nauth: {token_file: tokens}\n";
    for (tokens, mode, code, expected) in [
        ("admin:canary-canary-canary", 0o600, 0, "ok, listens on 0.0.0.0:5665"),
        ("admin:canary-canary-canary", 0o644, 104, "others can read it (mode 644); do `chmod 600 tokens`"),
        ("admin:canary", 0o600, 104, "the token has 6 characters, expected at least 16"),
    ] {
        let (said, found) = check(&[("loadgate.yml", CONFIG, 0o644), ("tokens", tokens, mode)]);
        assert_eq!(found, code, "{said}");
        assert!(said.contains(expected) && !said.contains("canary"), "{said}");
    }
    let (said, code) = check(&[("loadgate.yml", CONFIG, 0o644)]);
    assert_eq!(code, 0, "not yet there: {said}");
    assert!(said.contains("warning: ") && said.contains("loadgate.yml:2:"), "{said}");
}

#[test]
fn the_schema_of_a_configuration_is_printed() {
    let output = loadgate().args(["schema", "config"]).output().unwrap();
    let schema: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(schema["title"], json!("loadgate daemon configuration"));
    assert!(
        schema["properties"]["schedules"].is_object() || schema["$defs"]["config"].is_object(),
        "{schema}"
    );
}

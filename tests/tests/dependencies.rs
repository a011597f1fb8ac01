//! The rule that keeps the house in order: `boot → kernel → arch`, everybody may use `kernel-core`, which uses nobody, and
//! what runs on the host knows the kernel's formats only.

use end_to_end::{finish, root};
use serde_json::Value;
use std::collections::BTreeMap;
use std::env;
use std::process::Command;

/// Whom of the workspace each package may use.
const ALLOWED: [(&str, &[&str]); 6] = [
    ("kernel-core", &[]),
    ("arch", &["kernel-core"]),
    ("kernel", &["arch", "kernel-core"]),
    ("boot", &["arch", "kernel", "kernel-core"]),
    ("xtask", &["kernel-core"]),
    ("end-to-end", &["kernel-core"]),
];

#[test]
fn dependencies_run_one_way() {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut metadata = Command::new(cargo);
    metadata
        .current_dir(root())
        .args(["metadata", "--no-deps", "--offline", "--format-version=1"]);
    let ended = finish(&mut metadata);
    ended.expect(0, &[]);
    let metadata: Value = serde_json::from_str(&ended.output).expect("cargo's metadata is JSON");

    let name = |value: &Value| value["name"].as_str().expect("a name").to_owned();
    let list = |value: &Value| value.as_array().expect("a list").clone();
    let packages: BTreeMap<String, Vec<String>> = list(&metadata["packages"])
        .iter()
        // A dependency with a path is one of ours.
        .map(|package| {
            let ours = list(&package["dependencies"])
                .into_iter()
                .filter(|dependency| dependency["path"].is_string());
            (name(package), ours.map(|dependency| name(&dependency)).collect())
        })
        .collect();

    let known: Vec<&str> = ALLOWED.iter().map(|(package, _)| *package).collect();
    for package in packages.keys() {
        assert!(
            known.contains(&package.as_str()),
            "{package} is new: what may it use?"
        );
    }
    for (package, allowed) in ALLOWED {
        let used = packages
            .get(package)
            .unwrap_or_else(|| panic!("there is no package {package}"));
        for dependency in used {
            assert!(
                allowed.contains(&dependency.as_str()),
                "{package} uses {dependency}, which it must not"
            );
        }
    }
}

//! The pages that `cargo xtask matrix` makes: fresh as they are committed, the same on every machine, and noticed when not.

use end_to_end::{Ended, finish, root, xtask};
use serde_json::Value;
use std::fs;
use std::path::Path;
use tempfile::TempDir;

/// The command that writes the pages, as the messages name it.
const REFRESH: &str = "`cargo xtask matrix`";

#[test]
fn the_pages_are_fresh_on_every_machine() {
    finish(xtask().args(["matrix", "--check", "--all-cpus"])).expect(0, &[]);
}

/// A copy of the committed pages.
fn copy() -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for entry in fs::read_dir(root().join("docs")).expect("the pages are there") {
        let path = entry.expect("a page").path();
        if path.is_file() {
            fs::copy(
                &path,
                folder.path().join(path.file_name().expect("it has a name")),
            )
            .expect("a copy");
        }
    }
    folder
}

fn check(folder: &Path) -> Ended {
    finish(xtask().args(["matrix", "--check", "--docs"]).arg(folder))
}

fn replace(path: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(path).expect("the page is text");
    assert!(text.contains(from), "{from:?} is not in {}", path.display());
    fs::write(path, text.replace(from, to)).expect("the page is written");
}

#[test]
fn a_stale_page_is_named() {
    let folder = copy();
    replace(
        &folder.path().join("matrix.md"),
        "| caller local |",
        "| caller loyal |",
    );
    fs::remove_file(folder.path().join("frames-none.svg")).expect("it was there");
    fs::write(folder.path().join("frames-sixth.svg"), "").expect("a file");
    let ended = check(folder.path());
    ended.expect(1, &["matrix.md", "frames-none.svg", "frames-sixth.svg", REFRESH]);
    assert!(!ended.errors.contains("matrix.json"), "{}", ended.errors);
}

#[test]
fn a_changed_cost_is_not_called_a_changed_outcome() {
    let folder = copy();
    let json = folder.path().join("matrix.json");
    let text = fs::read_to_string(&json).expect("the page is text");
    let facts: Value = serde_json::from_str(&text).expect("it is JSON");
    let design = &facts["designs"][1];
    let (name, cost) = (&design["name"], &design["instructions"]);
    let name = name.as_str().expect("a name");
    replace(
        &json,
        &format!("\"name\": \"{name}\",\n      \"instructions\": {cost}"),
        &format!("\"name\": \"{name}\",\n      \"instructions\": 7777"),
    );
    replace(
        &folder.path().join("matrix.md"),
        &format!("| `{name}` | {cost} |"),
        &format!("| `{name}` | 7777 |"),
    );
    let changed = format!("{name} {cost} instead of 7777");
    check(folder.path()).expect(1, &["only what calls cost has changed", &changed, REFRESH]);
}

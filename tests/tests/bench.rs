//! The bench: no row moves away from the committed baseline unnoticed, and the pages are those of the baseline.

use end_to_end::{Ended, finish, root, xtask};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// The command that moves the baseline, as the messages name it.
const REFRESH: &str = "`cargo xtask bench` moves the baseline";

#[test]
fn no_row_has_moved_from_the_baseline() {
    let ended = finish(xtask().args(["bench", "--check"]));
    ended.expect(0, &[]);
    says(&ended, "the same in two boots");
    says(&ended, "its pages are fresh");
}

fn says(ended: &Ended, words: &str) {
    assert!(
        ended.output.contains(words),
        "{words:?} is not in:\n{}",
        ended.output
    );
}

fn baseline() -> PathBuf {
    root().join("docs/bench.json")
}

/// A copy of the baseline and its pages.
fn copy() -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for entry in fs::read_dir(root().join("docs")).expect("the pages are there") {
        let path = entry.expect("a page").path();
        let name = path
            .file_name()
            .expect("it has a name")
            .to_string_lossy()
            .into_owned();
        if name.starts_with("bench") {
            fs::copy(&path, folder.path().join(name)).expect("a copy");
        }
    }
    folder
}

/// The baseline with one figure replaced, as a file in the folder.
fn with(folder: &Path, id: &str, value: u64) -> PathBuf {
    let text = fs::read_to_string(baseline()).expect("the baseline is text");
    let mut json: Value = serde_json::from_str(&text).expect("it is JSON");
    let figures = json["figures"].as_array_mut().expect("it has figures");
    let figure = figures
        .iter_mut()
        .find(|figure| figure["id"] == id)
        .expect("it has this figure");
    figure["value"] = value.into();
    let path = folder.join("other.json");
    fs::write(&path, json.to_string()).expect("a file");
    path
}

/// The value of a figure of the baseline.
fn value(id: &str) -> u64 {
    let text = fs::read_to_string(baseline()).expect("the baseline is text");
    let json: Value = serde_json::from_str(&text).expect("it is JSON");
    let figures = json["figures"].as_array().expect("it has figures");
    let figure = figures.iter().find(|figure| figure["id"] == id);
    figure.expect("it has this figure")["value"]
        .as_u64()
        .expect("a number")
}

/// Checks these figures in place of a boot's.
fn check(figures: &Path, docs: &Path) -> Ended {
    finish(
        xtask()
            .args(["bench", "--check", "--figures"])
            .arg(figures)
            .arg("--docs")
            .arg(docs),
    )
}

#[test]
fn a_row_that_moves_by_more_than_three_per_cent_fails_whichever_way() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (id, docs) = ("enable/kernel/28", root().join("docs"));
    let before = value(id);
    let try_with = |value| check(&with(folder.path(), id, value), &docs);
    try_with(before * 102 / 100).expect(0, &[]);
    try_with(before * 104 / 100).expect(1, &["grew: enable/kernel/28", REFRESH]);
    try_with(before * 96 / 100).expect(1, &["fell: enable/kernel/28", REFRESH]);
}

#[test]
fn a_stale_page_is_named() {
    let folder = copy();
    let page = folder.path().join("bench.md");
    let text = fs::read_to_string(&page).expect("the page is text");
    fs::write(&page, text.replace("| not hooked |", "| unhooked |")).expect("the page is written");
    fs::remove_file(folder.path().join("bench-calls.svg")).expect("it was there");
    let ended = check(&baseline(), folder.path());
    ended.expect(1, &["bench.md", "bench-calls.svg", REFRESH]);
    assert!(!ended.errors.contains("bench-hooks.svg"), "{}", ended.errors);
}

#[test]
fn what_has_changed_since_other_figures_is_told() {
    let folder = copy();
    let old = with(folder.path(), "call/not-hooked", 2);
    let ended = finish(
        xtask()
            .args(["bench", "--check", "--figures"])
            .arg(baseline())
            .arg("--compare")
            .arg(&old),
    );
    ended.expect(0, &[]);
    says(&ended, "call/not-hooked: 1 instructions instead of 2, -50.0 %");
}

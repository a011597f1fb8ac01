//! The worked session of docs/debugging.md is one that took place.

use super::{debug, ledger};
use end_to_end::root;
use std::fs;

/// Between these lines docs/debugging.md has the session. With `TOCSIN_UPDATE_DOCS=1` the test writes it there.
const MARKS: [&str; 2] = ["<!-- the session -->\n", "<!-- end of the session -->\n"];

/// What may differ from build to build is made the same: addresses, lines of the kernel's Rust sources, numbers of threads.
fn masked(line: &str) -> String {
    let mut words = Vec::new();
    for word in line.split(' ') {
        let word = match (word.find("0x"), word.find(".rs:")) {
            (Some(at), _) => {
                let digits = word[at + 2..].chars().take_while(char::is_ascii_hexdigit).count();
                format!("{}0x…{}", &word[..at], &word[at + 2 + digits..])
            }
            (None, Some(at)) => word[..at + 4].to_owned(),
            _ if words.last().is_some_and(|last| last == "thread") => "…".to_owned(),
            _ => word.to_owned(),
        };
        words.push(word);
    }
    words.join(" ")
}

#[test]
fn the_worked_session_takes_place() {
    if !end_to_end::has_gdb() {
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let [patch, target] = ledger(folder.path());
    let options = [
        "--case",
        "selftest::*",
        "--append",
        "klp.return=none",
        "--module",
        &patch,
        "--module",
        &target,
    ];
    let run = debug(&options, "-x tests/gdb/session.py -ex kill");
    let session: Vec<String> = run
        .said
        .lines()
        .skip_while(|line| *line != "the session begins")
        .skip(1)
        .take_while(|line| *line != "the session is over")
        .filter(|line| !line.trim().is_empty())
        .map(|line| line.trim_end().to_owned())
        .collect();
    assert!(!session.is_empty(), "{}\n{}", run.said, run.output);
    let path = root().join("docs/debugging.md");
    let text = fs::read_to_string(&path).expect("docs/debugging.md is there");
    let (before, rest) = text.split_once(MARKS[0]).expect("it has the first mark");
    let (found, behind) = rest.split_once(MARKS[1]).expect("it has the second mark");
    if std::env::var_os("TOCSIN_UPDATE_DOCS").is_some() {
        let block = format!("```text\n{}\n```\n", session.join("\n"));
        fs::write(&path, [before, MARKS[0], &block, MARKS[1], behind].concat()).expect("it can be written");
        return;
    }
    let found: Vec<String> = found
        .lines()
        .filter(|line| !line.starts_with("```"))
        .map(masked)
        .collect();
    let session: Vec<String> = session.iter().map(|line| masked(line)).collect();
    assert_eq!(
        found, session,
        "TOCSIN_UPDATE_DOCS=1 brings docs/debugging.md up to date"
    );
}

#[test]
fn what_is_masked() {
    assert_eq!(
        masked("#0  0x00a6 in f (x=0x1f, y=2) at k/a.rs:31"),
        "#0  0x… in f (x=0x…, y=2) at k/a.rs:"
    );
    assert_eq!(masked("thread 9 'kworker'"), "thread … 'kworker'");
    assert_eq!(masked("none.S:34"), "none.S:34");
}

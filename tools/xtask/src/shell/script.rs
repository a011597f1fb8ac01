//! `--script`: a file of lines, up to the first that fails.

use super::lines::{Answer, Gone, Shell};
use anyhow::{Context, Result};
use std::fs;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::ChildStdin;
use std::sync::mpsc::Receiver;

/// A script.
#[derive(Debug)]
pub(super) struct Script {
    name: String,
    text: String,
}

/// Reads a script.
///
/// # Errors
/// The file cannot be read, or is no text.
pub(super) fn read(path: &Path) -> Result<Script> {
    Ok(Script {
        name: path.display().to_string(),
        text: fs::read_to_string(path)
            .with_context(|| format!("cannot read the script {}", path.display()))?,
    })
}

/// Runs a script, and ends the guest.
///
/// # Errors
/// A line failed: which, how, and what it said last.
pub(super) fn run(script: &Script, input: ChildStdin, answers: &Receiver<Answer>) -> Result<(), String> {
    let Ok(mut shell) = Shell::wait_for(input, answers) else {
        // Why, the console has said.
        return Ok(());
    };
    let result = lines(script, &mut shell);
    if let Ok(Err(_)) | Ok(Ok(())) = &result {
        _ = shell.execute("exit", &mut |_| {}, &mut || true);
    }
    result.unwrap_or(Ok(()))
}

fn lines(script: &Script, shell: &mut Shell<'_>) -> Result<Result<(), String>, Gone> {
    for (number, line) in script.text.lines().enumerate() {
        if line.trim().is_empty() {
            continue;
        }
        let mut last = String::new();
        let mut show = |answer: &Answer| {
            if let Answer::Text { is_complaint, text } = answer {
                // Nobody to read it is no reason not to go on.
                if *is_complaint {
                    last.clone_from(text);
                    _ = io::stderr().write_all(text.as_bytes());
                } else {
                    _ = io::stdout().write_all(text.as_bytes());
                }
            }
        };
        let status = shell.execute(line, &mut show, &mut || true)?;
        if status != 0 {
            let said = if last.is_empty() {
                String::new()
            } else {
                format!(": {}", last.trim_end())
            };
            let Script { name, .. } = script;
            return Ok(Err(format!(
                "{name}:{}: '{}' ended with status {status}{said}",
                number + 1,
                line.trim()
            )));
        }
    }
    Ok(Ok(()))
}

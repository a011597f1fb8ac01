//! What cargo built, as it reports it itself: file names in its folders are nobody else's to guess.

use crate::command::program;
use anyhow::{Context, Result, bail};
use serde::Deserialize;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// A library that cargo built, or found up to date.
#[derive(Debug)]
pub(crate) struct Artifact {
    /// The library's crate name.
    pub(crate) name: String,
    pub(crate) files: Vec<PathBuf>,
}

#[derive(Deserialize)]
struct Message {
    reason: String,
    target: Option<Target>,
    #[serde(default)]
    filenames: Vec<PathBuf>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
}

/// Runs a `cargo build` and returns the artifacts for its target; diagnostics go to the terminal as ever.
///
/// # Errors
/// Cargo cannot be started, fails, or says something that is not understood.
pub(crate) fn build(cargo: &mut Command) -> Result<Vec<Artifact>> {
    let program = program(cargo);
    cargo
        .arg("--message-format=json-render-diagnostics")
        .stdout(Stdio::piped());
    let mut child = cargo
        .spawn()
        .with_context(|| format!("cannot start {}", program))?;
    let mut artifacts = Vec::new();
    if let Some(output) = child.stdout.take() {
        for line in BufReader::new(output).lines() {
            let message: Message =
                serde_json::from_str(&line?).context("cargo's report is not understood")?;
            if let ("compiler-artifact", Some(target)) = (&*message.reason, message.target) {
                let name = target.name.replace('-', "_");
                artifacts.push(Artifact {
                    name,
                    files: message.filenames,
                });
            }
        }
    }
    let status = child.wait()?;
    if !status.success() {
        bail!("{} failed ({status})", program);
    }
    Ok(artifacts)
}

/// The file with this ending that the crate `name` was built to.
///
/// # Errors
/// There is none.
pub(crate) fn file(artifacts: &[Artifact], name: &str, ending: &str) -> Result<PathBuf> {
    let mut files = artifacts
        .iter()
        .filter(|artifact| artifact.name == name)
        .flat_map(|artifact| &artifact.files);
    let found = files.rfind(|file| file.extension().is_some_and(|found| found == ending));
    found
        .cloned()
        .with_context(|| format!("cargo built no .{ending} of the crate {name}"))
}

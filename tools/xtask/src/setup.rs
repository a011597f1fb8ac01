//! `cargo xtask setup`: the script that does it, for those who come by way of cargo.

use crate::command::run;
use crate::workspace;
use anyhow::{Context, Result};
use std::process::Command;

/// Runs `tools/setup`.
///
/// # Errors
/// Something is missing and was not installed; what and why is on the terminal.
pub(crate) fn setup(arguments: &[&str]) -> Result<()> {
    run(Command::new(workspace::root().join("tools/setup")).args(arguments))
        .context("the set-up is not complete")
}

//! Running other programs: their output as text, their failure as an error that says what was run.

use anyhow::{Context, Result, bail};
use std::env;
use std::process::Command;

/// What every command here may need.
pub(crate) trait CommandExt {
    /// Removes what the cargo that runs us left in the environment, so that another toolchain is not led astray.
    fn without_cargo(&mut self) -> &mut Self;
}

impl CommandExt for Command {
    fn without_cargo(&mut self) -> &mut Self {
        for (name, _) in env::vars_os() {
            let Some(text) = name.to_str() else { continue };
            let kept = matches!(text, "CARGO_HOME" | "CARGO_TARGET_DIR" | "CARGO_TERM_COLOR")
                || ["CARGO_NET_", "CARGO_HTTP_", "CARGO_REGISTRIES_", "CARGO_SOURCE_"]
                    .iter()
                    .any(|start| text.starts_with(start));
            let cargos = text == "CARGO"
                || text.starts_with("CARGO_")
                || text.starts_with("RUST") && text != "RUSTUP_HOME";
            if cargos && !kept || text == "LD_LIBRARY_PATH" {
                self.env_remove(name);
            }
        }
        self
    }
}

/// What is run, for messages.
pub(crate) fn program(command: &Command) -> String {
    command.get_program().to_string_lossy().into_owned()
}

/// Runs `command` with our own input and output.
///
/// # Errors
/// It cannot be started or does not succeed. What it had to say is on the terminal already.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let program = program(command);
    let status = command
        .status()
        .with_context(|| format!("cannot start {}", program))?;
    if !status.success() {
        bail!("{} failed ({status})", program);
    }
    Ok(())
}

/// Runs `command` and returns what it wrote to its standard output, trimmed.
///
/// # Errors
/// It cannot be started or does not succeed; the error has what it wrote to its standard error.
pub(crate) fn capture(command: &mut Command) -> Result<String> {
    let program = program(command);
    let output = command
        .output()
        .with_context(|| format!("cannot start {}", program))?;
    if !output.status.success() {
        let message = String::from_utf8_lossy(&output.stderr);
        bail!("{} failed ({}): {}", program, output.status, message.trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

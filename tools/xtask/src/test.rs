//! `cargo xtask test`: everything there is to test, closed by a test runner's own summary.
//!
//! The kernel's suite is part of the end-to-end tests, one test for each machine, so that the runner counts, filters and
//! shards them like any other. Kernels and modules are built once, before.

use crate::abi::Abi;
use crate::command::{capture, run};
use crate::{prebuilt, setup, workspace};
use anyhow::{Context, Result};
use clap::ValueEnum as _;
use std::env;
use std::process::Command;

/// Sets up, builds, and runs the host's tests and the end-to-end tests. `arguments` go to the test runner.
///
/// # Errors
/// Something does not build, or a test fails.
pub(crate) fn test(arguments: &[String]) -> Result<()> {
    setup::setup(&[])?;
    for abi in Abi::value_variants() {
        prebuilt::get(*abi)?;
    }
    let nextest = capture(cargo().args(["nextest", "--version"])).is_ok();
    if nextest {
        // These are the ones that nextest leaves out; the last word should be its.
        run(cargo().args(["test", "--quiet", "--doc"])).context("documentation tests fail")?;
    }
    let runner: &[&str] = if nextest {
        &["nextest", "run"]
    } else {
        &["test", "--no-fail-fast"]
    };
    let xtask = env::current_exe().context("cannot find our own program")?;
    let mut tests = cargo();
    tests
        .args(runner)
        .args(arguments)
        .env(prebuilt::PREBUILT, "1")
        .env("TOCSIN_XTASK", xtask);
    run(&mut tests).context("tests fail")
}

/// The cargo that runs us, in the workspace; its default members are what is tested on the host.
fn cargo() -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(workspace::root());
    cargo
}

//! `cargo xtask`: what the front door, CI and developers call to set up, build, boot and judge Tocsin.

mod build;
mod command;
mod kallsyms;
mod toolchain;
mod workspace;

use anyhow::Result;
use clap::{Parser, Subcommand};
use std::process::ExitCode;
use toolchain::Toolchain;

/// Sets up, builds, boots and judges Tocsin.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Build the kernel image: target/tocsin/tocsin
    Build,
    /// Run clippy over the kernel's crates as they are built for the guest; findings are errors
    Lint,
}

fn main() -> ExitCode {
    match perform(Arguments::parse().task) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn perform(task: Task) -> Result<ExitCode> {
    match task {
        Task::Build => {
            let toolchain = Toolchain::find()?;
            let kernel = build::kernel(&toolchain)?;
            println!(
                "{}: {}, build id {}",
                workspace::shown(&kernel.image),
                toolchain.version(),
                kernel.build_id
            );
        }
        Task::Lint => build::lint(&Toolchain::find()?)?,
    }
    Ok(ExitCode::SUCCESS)
}

//! `cargo xtask`: what the front door, CI and developers call to set up, build, boot and judge Tocsin.

mod abi;
mod artifacts;
mod bench;
mod build;
mod cases;
mod command;
mod console;
mod counted;
mod debugger_socket;
mod initrd;
mod interrupt;
mod kallsyms;
mod linux;
mod machine;
mod manifest;
mod matrix;
mod module;
mod prebuilt;
mod qemu;
mod report;
mod run;
mod setup;
mod shell;
mod stress;
mod target;
mod test;
mod toolchain;
mod verdict;
mod workspace;

use abi::Abi;
use anyhow::Result;
use clap::{Parser, Subcommand};
use std::path::PathBuf;
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
    /// Install what is missing on this machine
    Setup {
        /// Only say what is missing
        #[arg(long)]
        check: bool,
        /// Install without asking
        #[arg(long)]
        yes: bool,
    },
    /// Build the kernel image: target/tocsin/tocsin, or target/tocsin-pcrel/tocsin
    Build {
        /// How the kernel's code reaches its data
        #[arg(long, value_enum, default_value_t)]
        abi: Abi,
    },
    /// Boot the kernel in QEMU, run its cases, and judge
    Run(run::Options),
    /// Run one line in the shell of a guest that `run shell --serve` has booted
    Guest(shell::GuestArguments),
    /// Build modules for `run --module` from crates in Rust, single .rs files or single .c files
    Module {
        /// A folder with a Cargo.toml, a .rs file or a .c file
        #[arg(required = true, value_name = "PATH")]
        paths: Vec<PathBuf>,
        /// Where the .ko files go
        #[arg(short, long, value_name = "DIR", default_value = ".")]
        output: PathBuf,
        /// The kernel that they are for
        #[arg(long, value_enum, default_value_t)]
        abi: Abi,
        /// How the modules' code reaches its data [default: as the kernel's]
        #[arg(long, value_enum)]
        code: Option<Abi>,
    },
    /// Run the host's tests, the kernel's cases on every machine, and the end-to-end tests
    Test {
        /// For the test runner: cargo nextest where it is installed, otherwise cargo test
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGS")]
        arguments: Vec<String>,
    },
    /// Boot every return design in every situation, and write docs/matrix.md and what belongs to it
    Matrix(matrix::Options),
    /// Count what calls, hooks, patches and the start cost, and write docs/bench.md and what belongs to it
    Bench(bench::Options),
    /// Run Linux's own live patch tests, modules and scripts unchanged, which are fetched from Debian
    LinuxSelftests(linux::Options),
    /// Boot, and call patched functions on all CPUs while patches come and go, and check every answer
    Stress(stress::Options),
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
        Task::Setup { check, yes } => {
            let arguments = [(check, "--check"), (yes, "--yes")];
            setup::setup(
                &arguments
                    .iter()
                    .filter(|(given, _)| *given)
                    .map(|(_, word)| *word)
                    .collect::<Vec<_>>(),
            )?;
        }
        Task::Build { abi } => {
            let toolchain = Toolchain::find()?;
            let kernel = build::kernel(&toolchain, abi)?;
            println!(
                "{}: {}, build id {}",
                workspace::shown(&kernel.image),
                toolchain.version(),
                kernel.build_id
            );
        }
        Task::Run(options) => return run::run(&options),
        Task::Guest(arguments) => return Ok(shell::guest(&arguments)),
        Task::Module {
            paths,
            output,
            abi,
            code,
        } => {
            let sources = paths
                .iter()
                .map(|path| module::Source::given(path))
                .collect::<Result<Vec<_>>>()?;
            let toolchain = Toolchain::find()?;
            let kernel = build::kernel(&toolchain, abi)?;
            for source in sources {
                let product = module::build(&source, &toolchain, &kernel, code.unwrap_or(abi), &output)?;
                println!("{}", product.display());
            }
        }
        Task::Test { arguments } => test::test(&arguments)?,
        Task::Matrix(options) => return matrix::matrix(&options),
        Task::Bench(options) => return bench::bench(&options),
        Task::LinuxSelftests(options) => return linux::selftests(&options),
        Task::Stress(options) => return stress::stress(&options),
        Task::Lint => build::lint(&Toolchain::find()?)?,
    }
    Ok(ExitCode::SUCCESS)
}

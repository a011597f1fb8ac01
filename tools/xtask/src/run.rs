//! `cargo xtask run`: builds, packs the initrd, boots QEMU, and turns what the guest says into an exit status.

use crate::console::Console;
use crate::debugger_socket::{self, DebuggerSocket};
use crate::machine::{self, Firmware, Machine, Wishes};
use crate::shell::{self, Peer};
use crate::target::Target;
use crate::verdict::{End, Verdict};
use crate::{initrd, interrupt, prebuilt, qemu};
use anyhow::{Context, Result};
use clap::error::ErrorKind;
use clap::{Args, Error, ValueEnum};
use std::fs;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

/// How long a run may take unless `--timeout` says otherwise, in seconds.
const TIMEOUT: u64 = 300;

/// What each exit status of `run` means; part of `--help`.
const EXIT_STATUS: &str = "\
Exit status:
  0  every case came out as expected
  1  nothing was booted: the build failed, or a file cannot be read
  2  the command line is wrong
  3  QEMU is missing or did not start
  4  the guest printed nothing
  5  the guest hung: it did not end in time
  6  the guest died: QEMU ended before the guest reported its end
  7  the guest panicked
  8  cases failed, were missing, or none was chosen
  9  a module given with --module did not load
  130  interrupted
With the shell, 0 and the like are its own: what `exit` was given. A script ends with 1 when a line of it fails.

Environment:
  TOCSIN_TOOLCHAIN  the Rust toolchain for the kernel: a rustup toolchain's name, or a folder with bin/rustc and bin/cargo
  TOCSIN_QEMU       the program to run in place of qemu-system-ppc64";

/// Options of the front door.
#[derive(Args)]
#[command(after_help = EXIT_STATUS)]
pub(crate) struct Options {
    /// What runs there [default: the cases]
    #[arg(value_enum, value_name = "WHAT")]
    what: Option<What>,
    /// Run the lines of this file in the shell, up to the first that fails
    #[arg(long, value_name = "FILE", conflicts_with_all = ["serve", "case"])]
    script: Option<PathBuf>,
    /// Let programs run lines in the shell, through this Unix socket: see `cargo xtask guest`
    #[arg(long, value_name = "SOCKET", num_args = 0..=1, require_equals = true, conflicts_with = "case")]
    serve: Option<Option<PathBuf>>,
    #[command(flatten)]
    target: Target,
    /// How many processors the machine has, 1 to 8
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=8))]
    smp: u16,
    /// The machine's memory: MiB, or a number with M or G [default: 512 on pseries, otherwise 2G]
    #[arg(long, value_name = "SIZE", value_parser = machine::parse_memory)]
    memory: Option<u32>,
    /// What starts the kernel on pseries; SLOF is slower [default: vof]
    #[arg(long, value_enum)]
    firmware: Option<Firmware>,
    /// Further words for the kernel's command line; may be given several times
    #[arg(long, value_name = "ARGS", allow_hyphen_values = true)]
    append: Vec<String>,
    /// Load this module (.ko, see `cargo xtask module`) before the cases run; may be given several times
    #[arg(long, value_name = "FILE")]
    module: Vec<PathBuf>,
    /// Run only the cases whose name matches, such as 'livepatch::*'
    #[arg(long, value_name = "GLOB", value_parser = parse_glob)]
    case: Option<String>,
    /// Give up after this many seconds [default: 300; with --gdb, --kgdb or a shell without a script: never]
    #[arg(long, value_name = "S", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    timeout: Option<u64>,
    /// Let QEMU wait for a debugger before the first instruction, and print what to type in another terminal; a panic stops the
    /// guest instead of ending it (see docs/debugging.md)
    #[arg(long)]
    gdb: bool,
    /// Have the kernel wait for a debugger on a second console, while it runs; with `=wait` before it does anything else;
    /// pseries only
    #[arg(long, value_name = "WHEN", num_args = 0..=1, require_equals = true)]
    kgdb: Option<Option<Kgdb>>,
    /// Let time pass by instructions: the same run gives the same output, and cases can count instructions; pseries only
    #[arg(long)]
    icount: bool,
    /// Keep everything that the guest printed in this file, byte for byte
    #[arg(long, value_name = "FILE")]
    keep_log: Option<PathBuf>,
    /// Install missing packages without asking (done by qemu-run.sh before anything else)
    #[arg(long)]
    yes: bool,
}

/// How the kernel waits for a debugger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Kgdb {
    /// It does nothing else before one has come
    Wait,
}

/// What a machine runs in place of the cases.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum What {
    /// A shell
    Shell,
}

impl Options {
    /// Who talks to the shell, if there is one.
    fn peer(&self) -> Option<Peer> {
        match (&self.script, &self.serve, self.what) {
            (Some(path), ..) => Some(Peer::Script(path.clone())),
            (None, Some(path), _) => Some(Peer::Socket(path.clone().unwrap_or_else(shell::default_socket))),
            (None, None, Some(What::Shell)) => Some(Peer::Person),
            (None, None, None) => None,
        }
    }
}

/// Words with a space would become several on the kernel's command line.
fn parse_glob(text: &str) -> Result<String, String> {
    if text.is_empty() || text.contains(char::is_whitespace) {
        return Err("a pattern has at least one character and no spaces".into());
    }
    Ok(text.into())
}

/// Boots and judges.
///
/// # Errors
/// Nothing could be booted. What a booted guest does wrong is an exit status, not an error.
pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    let board = options.target.board(Wishes {
        firmware: options.firmware,
        memory: options.memory,
        icount: options.icount,
        kgdb: options.kgdb.is_some(),
        ..Wishes::default()
    });
    let peer = options.peer();
    if peer.is_some() && options.case.is_some() {
        Error::raw(ErrorKind::ArgumentConflict, "--case: the shell runs no cases\n").exit();
    }
    let mut log = match &options.keep_log {
        Some(path) => {
            Some(fs::File::create(path).with_context(|| format!("cannot write {}", path.display()))?)
        }
        None => None,
    };
    let extra = options
        .module
        .iter()
        .map(|path| initrd::extra(path))
        .collect::<Result<Vec<_>>>()?;
    let parts = prebuilt::get(options.target.abi)?;
    let initrd = tempfile::NamedTempFile::new().context("cannot make a temporary file")?;
    fs::write(initrd.path(), initrd::pack(&parts, &extra)?).context("cannot write the initrd")?;

    let machine = Machine {
        board,
        smp: options.smp,
        memory: options.memory.unwrap_or(board.default_memory()),
        icount: options.icount,
        gdb: if options.gdb {
            Some(DebuggerSocket::open(debugger_socket::CUSTOMARY)?)
        } else {
            None
        },
        kgdb: match options.kgdb {
            Some(_) => Some(DebuggerSocket::open(debugger_socket::GUESTS_OWN)?),
            None => None,
        },
        command_line: command_line(options, peer.as_ref()),
        image: parts.image,
        initrd: initrd.path().to_path_buf(),
    };
    let sockets = [
        (&machine.gdb, "QEMU waits for"),
        (&machine.kgdb, "The kernel listens to"),
    ];
    for (socket, who) in sockets {
        let Some(socket) = socket else { continue };
        let port = socket.port()?;
        eprintln!("{who} a debugger at port {port}. In another terminal, from this folder:");
        eprintln!(
            "  TOCSIN_IMAGE={} gdb-multiarch -x tools/gdb/tocsin.py{}-ex 'target remote localhost:{port}'",
            machine.image.display(),
            debugger_modules(&options.module)
        );
    }
    let limit = match (options.timeout, options.gdb || options.kgdb.is_some()) {
        (None, true) => None,
        (None, false) if matches!(peer, Some(Peer::Person | Peer::Socket(_))) => None,
        (seconds, _) => Some(Duration::from_secs(seconds.unwrap_or(TIMEOUT))),
    };
    interrupt::prepare()?;
    if let Some(peer) = &peer {
        return shell::run(&machine, limit, log.as_mut(), peer);
    }
    let mut screen = io::stdout();
    let mut console = Console::new(&mut screen, log.as_mut());
    let end = match qemu::boot(&machine, limit, &mut console, None) {
        Ok(end) => end,
        Err(qemu::StartError(reason)) => End::NotStarted(reason),
    };
    let verdict = Verdict::of(&console.finish()?, &end);
    verdict.print();
    Ok(verdict.exit_code())
}

/// What tells the debugger where the files of the user's own modules are.
fn debugger_modules(modules: &[PathBuf]) -> String {
    if modules.is_empty() {
        return " ".to_owned();
    }
    let paths: Vec<_> = modules.iter().map(|path| path.display().to_string()).collect();
    format!(" -ex 'set tocsin-modules {}' ", paths.join(":"))
}

/// What the kernel is told.
fn command_line(options: &Options, peer: Option<&Peer>) -> String {
    let mut words = Vec::new();
    if let Some(peer) = peer {
        words.push(peer.boot_argument().to_owned());
    }
    if let Some(glob) = &options.case {
        words.push(format!("case={glob}"));
    }
    if let Some(when) = options.kgdb {
        let wait = if when == Some(Kgdb::Wait) { ",wait" } else { "" };
        words.push(format!("gdb=hvc1{wait}"));
    }
    if options.icount {
        words.push(format!("icount={}", machine::ICOUNT_SHIFT));
    }
    words.extend(options.append.iter().cloned());
    words.join(" ")
}

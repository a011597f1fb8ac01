//! `cargo xtask guest`: has one line executed in a guest that is served, and is in its place: output, complaints, status.

use super::serve::default_socket;
use anyhow::{Context, Result};
use clap::Args;
use kernel_core::shell::Frame;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::ExitCode;

/// The status when there is no answer, as ssh has it: the shell's own are smaller.
const NO_ANSWER: u8 = 255;

/// What to execute, and where.
#[derive(Args)]
#[command(after_help = "\
The exit status is the line's, or 255 when there is no guest or it ended before it answered.

Environment:
  TOCSIN_SOCKET  the socket, as --socket")]
pub(crate) struct Arguments {
    /// The socket at which a guest is served [default: guest.socket in the target folder]
    #[arg(long, value_name = "FILE")]
    socket: Option<PathBuf>,
    /// The line; several words are put together with spaces
    #[arg(required = true, value_name = "LINE", last = true)]
    line: Vec<String>,
}

/// Has a line executed.
pub(crate) fn guest(arguments: &Arguments) -> ExitCode {
    ExitCode::from(execute(arguments).unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        NO_ANSWER
    }))
}

fn execute(arguments: &Arguments) -> Result<u8> {
    let from_environment = || std::env::var_os("TOCSIN_SOCKET").map(PathBuf::from);
    let path = arguments
        .socket
        .clone()
        .or_else(from_environment)
        .unwrap_or_else(default_socket);
    let mut socket = UnixStream::connect(&path).with_context(|| {
        format!(
            "no guest is served at {} (./qemu-run.sh shell --serve)",
            path.display()
        )
    })?;
    let line = arguments.line.join(" ").replace('\n', " ");
    socket.write_all(format!("{line}\n").as_bytes())?;
    for line in BufReader::new(socket).split(b'\n') {
        let line = String::from_utf8(line?).context("the answer is no text")?;
        let text = |text: &str, ends| [text, if ends { "\n" } else { "" }].concat();
        // Nobody to read it is no reason not to go on.
        match Frame::parse(&line) {
            Some(Frame::End(status)) => return Ok(u8::try_from(status).unwrap_or(NO_ANSWER)),
            Some(Frame::Output { text: part, ends }) => {
                _ = io::stdout().write_all(text(part, ends).as_bytes());
                _ = io::stdout().flush();
            }
            Some(Frame::Complaint { text: part, ends }) => {
                _ = io::stderr().write_all(text(part, ends).as_bytes());
            }
            Some(Frame::Ready) | None => {}
        }
    }
    anyhow::bail!("the guest ended before it answered")
}

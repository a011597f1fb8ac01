//! `--serve`: lines from a Unix socket, each with its answer, one client after the other.
//!
//! A client sends a line and gets frames (`kernel_core::shell::Frame`), the last of which has the line's status. A client
//! that goes away has its line stopped.

use super::lines::{Answer, Shell};
use crate::workspace;
use anyhow::{Context, Result, bail};
use std::fs;
use std::io::{BufRead as _, BufReader, ErrorKind, Read as _, Write as _};
use std::os::unix::fs::FileTypeExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::ChildStdin;
use std::sync::mpsc::Receiver;

/// Where the socket is, unless somebody says otherwise.
pub(crate) fn default_socket() -> PathBuf {
    workspace::target().join("guest.socket")
}

/// A socket that is listened to. The file goes with this.
#[derive(Debug)]
pub(super) struct Listener {
    path: PathBuf,
    socket: UnixListener,
}

impl Listener {
    /// Makes the socket.
    ///
    /// # Errors
    /// It cannot be made, or somebody else listens.
    pub(super) fn bind(path: &Path) -> Result<Self> {
        if UnixStream::connect(path).is_ok() {
            bail!("another guest is served at {}", path.display());
        }
        // The socket of one that is gone. Any other file is not ours, and makes `bind` fail.
        if fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket()) {
            fs::remove_file(path).with_context(|| format!("cannot remove {}", path.display()))?;
        }
        let socket =
            UnixListener::bind(path).with_context(|| format!("cannot listen at {}", path.display()))?;
        Ok(Listener {
            path: path.to_path_buf(),
            socket,
        })
    }

    pub(super) fn socket(&self) -> Result<UnixListener> {
        self.socket.try_clone().context("cannot listen twice")
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        // It may have been removed by hand.
        _ = fs::remove_file(&self.path);
    }
}

/// Serves clients until the guest ends.
pub(super) fn run(socket: &UnixListener, input: ChildStdin, answers: &Receiver<Answer>) {
    let Ok(mut shell) = Shell::wait_for(input, answers) else {
        return;
    };
    eprintln!("The guest takes lines: cargo xtask guest -- LINE");
    for client in socket.incoming() {
        // One that is gone already wants nothing.
        let Ok(client) = client else { continue };
        let mut line = String::new();
        let mut reader = BufReader::new(&client);
        if reader.read_line(&mut line).is_err()
            || !line.ends_with('\n')
            || client.set_nonblocking(true).is_err()
        {
            continue;
        }
        let mut send = |answer: &Answer| send(&client, answer);
        let mut is_wanted = || !matches!((&client).read(&mut [0]), Ok(0)) && !is_broken(&client);
        let Ok(status) = shell.execute(line.trim_end_matches('\n'), &mut send, &mut is_wanted) else {
            return;
        };
        send(&Answer::End(status));
    }
}

fn is_broken(client: &UnixStream) -> bool {
    client.take_error().is_ok_and(|error| error.is_some())
}

/// Sends a frame, and waits for a client that is slow. One that is gone loses it.
fn send(client: &UnixStream, answer: &Answer) {
    let line = answer.to_line();
    let mut rest = line.as_bytes();
    let mut client = client;
    while !rest.is_empty() {
        match client.write(rest) {
            Ok(count) => rest = &rest[count..],
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                std::thread::sleep(std::time::Duration::from_millis(1));
            }
            Err(_) => return,
        }
    }
}

//! The socket on which QEMU, or the guest, waits for a debugger. It is opened here and handed over, so that of two guests that are started
//! at the same time each has a port of its own, and a debugger can connect before QEMU is ready to answer.

use anyhow::{Context, Result};
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use std::io;
use std::net::TcpListener;
use std::os::fd::AsRawFd as _;

/// A socket that listens, and that the processes which are started from here inherit.
#[derive(Debug)]
pub(crate) struct DebuggerSocket(TcpListener);

/// Where debuggers look first.
pub(crate) const CUSTOMARY: u16 = 1234;
/// Where the guest's own stub is, if nothing else is there.
pub(crate) const GUESTS_OWN: u16 = 1235;

impl DebuggerSocket {
    /// Listens at `port`, or at another one if that is taken.
    ///
    /// # Errors
    /// No port can be had.
    pub(crate) fn open(port: u16) -> Result<DebuggerSocket> {
        let listener = TcpListener::bind(("127.0.0.1", port))
            .or_else(|_| TcpListener::bind(("127.0.0.1", 0)))
            .context("there is no port for the debugger")?;
        fcntl(&listener, FcntlArg::F_SETFD(FdFlag::empty()))
            .context("the debugger's port cannot be handed to QEMU")?;
        Ok(DebuggerSocket(listener))
    }

    /// Where a debugger connects.
    ///
    /// # Errors
    /// The system does not say.
    pub(crate) fn port(&self) -> io::Result<u16> {
        Ok(self.0.local_addr()?.port())
    }

    /// What tells QEMU to wait here itself.
    pub(crate) fn for_qemu(&self) -> [String; 4] {
        self.arguments("gdb", "-gdb")
    }

    /// What gives the guest another serial port that leads here.
    pub(crate) fn for_guest(&self) -> [String; 4] {
        self.arguments("kgdb", "-serial")
    }

    fn arguments(&self, name: &str, option: &str) -> [String; 4] {
        let socket = format!(
            "socket,id={name},fd={},server=on,wait=off,nodelay=on",
            self.0.as_raw_fd()
        );
        [
            "-chardev".into(),
            socket,
            option.into(),
            format!("chardev:{name}"),
        ]
    }
}

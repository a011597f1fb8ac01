//! The socket on which QEMU waits for a debugger. It is opened here and handed over, so that of two guests that are started
//! at the same time each has a port of its own, and a debugger can connect before QEMU is ready to answer.

use anyhow::{Context, Result};
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use std::io;
use std::net::TcpListener;
use std::os::fd::AsRawFd as _;

/// A socket that listens, and that the processes which are started from here inherit.
#[derive(Debug)]
pub(crate) struct DebuggerSocket(TcpListener);

impl DebuggerSocket {
    /// Listens at the customary port, 1234, or at another one if that is taken.
    ///
    /// # Errors
    /// No port can be had.
    pub(crate) fn open() -> Result<DebuggerSocket> {
        let listener = TcpListener::bind(("127.0.0.1", 1234))
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

    /// What tells QEMU to wait here.
    pub(crate) fn arguments(&self) -> [String; 4] {
        let socket = format!(
            "socket,id=gdb,fd={},server=on,wait=off,nodelay=on",
            self.0.as_raw_fd()
        );
        ["-chardev".into(), socket, "-gdb".into(), "chardev:gdb".into()]
    }
}

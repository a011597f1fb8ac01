//! A guest that is served, for scripts on the host.

use anyhow::{Context, Result, bail};
use std::env;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// A running guest. It ends with this.
pub(super) struct Guest {
    child: Child,
    program: PathBuf,
    socket: PathBuf,
    log: PathBuf,
}

impl Guest {
    /// Boots it, and waits until it takes lines.
    pub(super) fn boot(folder: &Path, arguments: &[String], modules: &[PathBuf]) -> Result<Guest> {
        /// Until it must have booted.
        const PATIENCE: Duration = Duration::from_secs(120);
        let program = env::current_exe().context("cannot find this program")?;
        // A path to a socket has at most 107 bytes.
        let socket = env::temp_dir().join(format!("tocsin-{}.socket", std::process::id()));
        let log = folder.join("guest.log");
        let output = File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
        let errors = output.try_clone().context("cannot share a file")?;
        let mut run = Command::new(&program);
        run.args(["run", "shell", "--append", "log=debug"])
            .arg(format!("--serve={}", socket.display()))
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors);
        for module in modules {
            run.arg("--module").arg(module);
        }
        let child = run.spawn().context("cannot boot the guest")?;
        let mut guest = Guest {
            child,
            program,
            socket,
            log,
        };
        let start = Instant::now();
        while !guest.line("true")?.status.success() {
            if let Some(status) = guest.child.try_wait()? {
                bail!("the guest ended, with {status}: see {}", guest.log.display());
            }
            if start.elapsed() > PATIENCE {
                bail!("the guest does not answer: see {}", guest.log.display());
            }
            sleep(Duration::from_millis(100));
        }
        Ok(guest)
    }

    fn line(&self, line: &str) -> Result<std::process::Output> {
        let mut command = Command::new(&self.program);
        command
            .args(["guest", "--socket"])
            .arg(&self.socket)
            .args(["--", line]);
        command.output().context("cannot talk to the guest")
    }

    /// What a script needs to find it.
    pub(super) fn environment<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command
            .env("TOCSIN_GUEST", &self.program)
            .env("TOCSIN_SOCKET", &self.socket)
    }

    /// Ends it.
    pub(super) fn stop(mut self) -> Result<()> {
        /// Until it must have ended.
        const PATIENCE: Duration = Duration::from_secs(10);
        self.line("exit 0")?;
        let start = Instant::now();
        while self.child.try_wait()?.is_none() {
            if start.elapsed() > PATIENCE {
                bail!("the guest does not end: see {}", self.log.display());
            }
            sleep(Duration::from_millis(50));
        }
        Ok(())
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        // Only after an error; it has ended already otherwise, and then this does nothing.
        _ = self.line("exit 1");
        sleep(Duration::from_millis(200));
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

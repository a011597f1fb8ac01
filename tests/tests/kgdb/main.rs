//! `--kgdb`: the kernel's own stub, at the guest's second console, with a real GDB at the other end.

mod hostile;
mod stops;
mod visits;
mod watch;

use end_to_end::{root, xtask};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

/// How long a guest, or a debugger, may take for what it is asked.
const PATIENCE: Duration = Duration::from_secs(600);
const PROMPT: &str = "tocsin# ";
/// Has GDB say that it has come so far.
const READY: &str = "-ex 'python print(\"READY\", flush=True)'";

/// A guest with a second console.
struct Guest {
    child: Child,
    input: Option<ChildStdin>,
    output: Receiver<Vec<u8>>,
    heard: String,
    /// The line that the front door prints for the debugger.
    line: String,
}

impl Guest {
    fn boot(options: &[&str]) -> Guest {
        let mut child = xtask()
            .args(["run", "--timeout", "900"])
            .args(options)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the front door starts");
        let mut errors = BufReader::new(child.stderr.take().expect("its standard error"));
        let mut line = String::new();
        while !line.contains("target remote") {
            line.clear();
            let count = errors.read_line(&mut line).expect("it is UTF-8");
            assert_ne!(count, 0, "it ended without a line for the debugger");
        }
        thread::spawn(move || std::io::copy(&mut errors, &mut std::io::sink()));
        let mut pipe = child.stdout.take().expect("its standard output");
        let (sender, output) = mpsc::channel();
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = pipe.read(&mut buffer) {
                if sender.send(buffer[..count].to_vec()).is_err() {
                    break;
                }
            }
        });
        Guest {
            input: child.stdin.take(),
            child,
            output,
            heard: String::new(),
            line: line.trim().to_owned(),
        }
    }

    /// A guest whose shell has shown its prompt.
    fn shell(options: &[&str]) -> Guest {
        let mut guest = Guest::boot(&[&["shell", "--kgdb"], options].concat());
        guest.hear(PROMPT);
        guest
    }

    /// Waits until the guest has said this.
    fn hear(&mut self, words: &str) {
        let end = Instant::now() + PATIENCE;
        while !self.heard.contains(words) {
            let left = end.saturating_duration_since(Instant::now());
            match self.output.recv_timeout(left) {
                Ok(bytes) => self.heard.push_str(&String::from_utf8_lossy(&bytes)),
                Err(_) => panic!("{words:?} was not said, but:\n{}", self.heard),
            }
        }
    }

    fn say(&mut self, keys: &str) {
        let input = self.input.as_mut().expect("its input is open");
        input.write_all(keys.as_bytes()).expect("it listens");
        input.flush().expect("it listens");
    }

    /// That the guest is alive: its shell answers.
    fn is_alive(&mut self, token: &str) {
        self.say(&format!("echo {token}; echo {token}-again\r"));
        self.hear(&format!("\n{token}-again"));
    }

    fn port(&self) -> u16 {
        let port = self.line.rsplit("localhost:").next().unwrap_or_default();
        let digits: String = port.chars().take_while(char::is_ascii_digit).collect();
        digits.parse().expect("a port")
    }

    /// Starts the line that the front door has printed, with `more` behind it.
    fn debugger(&self, more: &str) -> Child {
        let typed = format!("exec env {} -batch {more}", self.line);
        Command::new("sh")
            .args(["-c", &typed])
            .current_dir(root())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the debugger starts")
    }

    /// The same, when it has done what is before [`READY`], and the output behind that.
    fn waiting_debugger(&self, more: &str) -> (Child, BufReader<ChildStdout>) {
        let mut debugger = self.debugger(more);
        let mut output = BufReader::new(debugger.stdout.take().expect("its standard output"));
        let mut said = String::new();
        while !said.contains("READY") {
            let count = output.read_line(&mut said).expect("it is UTF-8");
            assert_ne!(count, 0, "it ended:\n{said}");
        }
        (debugger, output)
    }

    /// To its end: what it says.
    fn debug(&self, more: &str) -> String {
        let debugger = self.debugger(more);
        let process = debugger.id().to_string();
        let (done, ended) = mpsc::channel::<()>();
        // It ends in bounded time, or is ended.
        let watch = thread::spawn(move || {
            if ended.recv_timeout(PATIENCE) == Err(mpsc::RecvTimeoutError::Timeout) {
                _ = Command::new("kill").args(["-9", &process]).status();
            }
        });
        let output = debugger.wait_with_output().expect("it ends");
        drop(done);
        _ = watch.join();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        text(&output.stdout) + &text(&output.stderr)
    }

    /// Waits for the end of a run of cases: its status, and what it has said.
    fn end(mut self) -> (Option<i32>, String) {
        while let Ok(bytes) = self.output.recv_timeout(PATIENCE) {
            self.heard.push_str(&String::from_utf8_lossy(&bytes));
        }
        let status = self.child.wait().expect("it ends").code();
        (status, std::mem::take(&mut self.heard))
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            // It is asked to end, so that it ends QEMU.
            _ = Command::new("kill").arg(self.child.id().to_string()).status();
            _ = self.child.wait();
        }
    }
}

#[track_caller]
fn has(said: &str, parts: &[&str]) {
    for part in parts {
        assert!(said.contains(part), "{part:?} is not in:\n{said}");
    }
}

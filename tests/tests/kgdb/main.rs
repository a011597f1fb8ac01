//! `--kgdb`: the kernel's own stub, at the guest's second console, with a real GDB at the other end.

mod hostile;
mod stops;
mod visits;
mod watch;

use end_to_end::debugged::Waiting;
use end_to_end::talk::{PROMPT, Talk};
use end_to_end::{root, xtask};
use std::io::{BufRead as _, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// How long a guest, or a debugger, may take for what it is asked.
const PATIENCE: Duration = Duration::from_secs(600);
/// Has GDB say that it has come so far.
const READY: &str = "-ex 'python print(\"READY\", flush=True)'";

/// A guest with a second console.
struct Guest {
    talk: Talk,
    /// The line that the front door prints for the debugger.
    line: String,
}

impl Guest {
    fn boot(options: &[&str]) -> Guest {
        let mut command = xtask();
        command.args(["run", "--timeout", "900"]).args(options);
        let Waiting {
            mut run,
            mut errors,
            line,
        } = Waiting::start(command.stdin(Stdio::piped()));
        thread::spawn(move || std::io::copy(&mut errors, &mut std::io::sink()));
        let (input, output) = (run.stdin.take(), run.stdout.take());
        let input = Box::new(input.expect("its input"));
        Guest {
            talk: Talk::over(run, input, output.expect("its output")).with_patience(PATIENCE),
            line: line.trim().to_owned(),
        }
    }

    /// A guest whose shell has shown its prompt.
    fn shell(options: &[&str]) -> Guest {
        let mut guest = Guest::boot(&[&["shell", "--kgdb"], options].concat());
        guest.talk.hear(PROMPT);
        guest
    }

    /// That the guest is alive: its shell answers.
    fn is_alive(&mut self, token: &str) {
        self.talk.say(&format!("echo {token}; echo {token}-again\r"));
        self.talk.hear(&format!("\n{token}-again"));
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
}

#[track_caller]
fn has(said: &str, parts: &[&str]) {
    for part in parts {
        assert!(said.contains(part), "{part:?} is not in:\n{said}");
    }
}

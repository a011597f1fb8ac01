//! Talking with a process, as somebody at its terminal does.

use crate::xtask;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

/// What the guest's shell shows in front of a line.
pub const PROMPT: &str = "tocsin# ";
/// How long an answer may take: a busy machine boots in seconds.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A process whose input and output are in our hands. It ends with this.
pub struct Talk {
    child: Child,
    input: Option<Box<dyn Write>>,
    output: Receiver<Vec<u8>>,
    heard: String,
    patience: Duration,
}

impl Talk {
    /// Starts it; what it says on its standard error is lost.
    pub fn start(command: &mut Command) -> Talk {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        let (input, output) = (child.stdin.take(), child.stdout.take());
        Talk::over(
            child,
            Box::new(input.expect("its input")),
            output.expect("its output"),
        )
    }

    /// Talks with one that is running, by these ways in and out.
    pub fn over(child: Child, input: Box<dyn Write>, mut pipe: impl Read + Send + 'static) -> Talk {
        let (sender, output) = mpsc::channel();
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = pipe.read(&mut buffer) {
                if sender.send(buffer[..count].to_vec()).is_err() {
                    break;
                }
            }
        });
        Talk {
            input: Some(input),
            child,
            output,
            heard: String::new(),
            patience: PATIENCE,
        }
    }

    /// Waits so long for each answer, in place of [`PATIENCE`].
    pub fn with_patience(mut self, patience: Duration) -> Talk {
        self.patience = patience;
        self
    }

    /// A guest's shell, which has shown its prompt.
    pub fn shell() -> Talk {
        let mut talk = Talk::start(xtask().args(["run", "shell", "--timeout", "120"]));
        talk.hear(PROMPT);
        talk
    }

    /// Types these keys.
    pub fn say(&mut self, keys: &str) {
        let input = self.input.as_mut().expect("its input is open");
        input.write_all(keys.as_bytes()).expect("it listens");
        input.flush().expect("it listens");
    }

    /// Waits for `words`, and answers what was said up to there.
    #[track_caller]
    pub fn hear(&mut self, words: &str) -> String {
        let end = Instant::now() + self.patience;
        loop {
            if let Some(at) = self.heard.find(words) {
                let rest = self.heard.split_off(at + words.len());
                return std::mem::replace(&mut self.heard, rest);
            }
            let left = end.saturating_duration_since(Instant::now());
            match self.output.recv_timeout(left) {
                Ok(bytes) => self.heard.push_str(&String::from_utf8_lossy(&bytes)),
                Err(_) => panic!("{words:?} was not said, but:\n{}", self.heard),
            }
        }
    }

    /// Types a line, and answers what comes between it and the next prompt.
    #[track_caller]
    pub fn ask(&mut self, line: &str) -> String {
        self.say(&format!("{line}\r"));
        self.hear("\n");
        let answer = self.hear(PROMPT);
        answer.strip_suffix(PROMPT).unwrap_or_default().to_owned()
    }

    /// Closes its input, and waits for its end: its status.
    pub fn end(mut self) -> Option<i32> {
        drop(self.input.take());
        self.wait()
    }

    /// Waits for its end, with its input open: its status, and what it says until then.
    pub fn listen(mut self) -> (Option<i32>, String) {
        while let Ok(bytes) = self.output.recv_timeout(self.patience) {
            self.heard.push_str(&String::from_utf8_lossy(&bytes));
        }
        (self.wait(), std::mem::take(&mut self.heard))
    }

    /// Waits for its end: its status.
    pub fn wait(&mut self) -> Option<i32> {
        self.child.wait().expect("it ends").code()
    }
}

impl Drop for Talk {
    fn drop(&mut self) {
        // Only where a test has failed does it still run. It is asked to end, so that it ends QEMU.
        if matches!(self.child.try_wait(), Ok(None)) {
            let process = Pid::from_raw(i32::try_from(self.child.id()).expect("a process's number"));
            _ = kill(process, Signal::SIGTERM);
            _ = self.child.wait();
        }
    }
}

//! Lines to the guest, and the frames that answer them.

use kernel_core::shell::{Frame, INTERRUPT};
use std::io::{self, Write as _};
use std::process::ChildStdin;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

/// A frame, on its way through our own threads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Ready,
    Text { is_complaint: bool, text: String },
    End(i32),
}

impl From<Frame<'_>> for Answer {
    fn from(frame: Frame<'_>) -> Self {
        let whole = |text: &str, ends| [text, if ends { "\n" } else { "" }].concat();
        match frame {
            Frame::Ready => Answer::Ready,
            Frame::End(status) => Answer::End(status),
            Frame::Output { text, ends } => Answer::Text {
                is_complaint: false,
                text: whole(text, ends),
            },
            Frame::Complaint { text, ends } => Answer::Text {
                is_complaint: true,
                text: whole(text, ends),
            },
        }
    }
}

impl Answer {
    /// As it goes over a socket: text has at most one end of line, at its end.
    pub(super) fn to_line(&self) -> String {
        let frame = match self {
            Answer::Ready => Frame::Ready,
            Answer::End(status) => Frame::End(*status),
            Answer::Text { is_complaint, text } => {
                let (text, ends) = text
                    .strip_suffix('\n')
                    .map_or((text.as_str(), false), |text| (text, true));
                if *is_complaint {
                    Frame::Complaint { text, ends }
                } else {
                    Frame::Output { text, ends }
                }
            }
        };
        format!("{frame}\n")
    }
}

/// The guest ended before it answered.
#[derive(Debug)]
pub(super) struct Gone;

/// The guest's shell.
pub(super) struct Shell<'a> {
    input: ChildStdin,
    answers: &'a Receiver<Answer>,
}

impl<'a> Shell<'a> {
    /// Waits until the shell takes lines.
    pub(super) fn wait_for(input: ChildStdin, answers: &'a Receiver<Answer>) -> Result<Self, Gone> {
        while answers.recv().map_err(|_| Gone)? != Answer::Ready {}
        Ok(Shell { input, answers })
    }

    /// Has a line executed and shows what it says; answers its status. While nothing is said `is_wanted` is asked from time
    /// to time, and the line is stopped where it is not.
    pub(super) fn execute(
        &mut self,
        line: &str,
        show: &mut dyn FnMut(&Answer),
        is_wanted: &mut dyn FnMut() -> bool,
    ) -> Result<i32, Gone> {
        /// How often somebody looks whether the line is still wanted.
        const GLANCE: Duration = Duration::from_millis(50);
        /// After how long a line that was asked to stop is ended by force.
        const STUBBORN: Duration = Duration::from_secs(2);
        // One line is one line, whatever is in it.
        let line = line.replace(['\n', '\r'], " ");
        self.send(format!("{line}\n").as_bytes()).map_err(|_| Gone)?;
        let mut stopped: Option<Instant> = None;
        loop {
            match self.answers.recv_timeout(GLANCE) {
                Ok(Answer::End(status)) => return Ok(status),
                Ok(Answer::Ready) => {}
                Ok(answer) => show(&answer),
                Err(RecvTimeoutError::Disconnected) => return Err(Gone),
                Err(RecvTimeoutError::Timeout) => {
                    let is_due = match stopped {
                        None => !is_wanted(),
                        // It does not stop by itself.
                        Some(at) => at.elapsed() > STUBBORN,
                    };
                    if is_due {
                        stopped = Some(Instant::now());
                        self.send(&[INTERRUPT]).map_err(|_| Gone)?;
                    }
                }
            }
        }
    }

    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.input.write_all(bytes)?;
        self.input.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::Answer;
    use kernel_core::shell::Frame;

    #[test]
    fn answers_go_over_a_line() {
        for answer in [
            Answer::Ready,
            Answer::End(3),
            Answer::Text {
                is_complaint: true,
                text: "no\n".into(),
            },
            Answer::Text {
                is_complaint: false,
                text: "a|b".into(),
            },
        ] {
            let line = answer.to_line();
            let frame = Frame::parse(line.strip_suffix('\n').unwrap()).unwrap();
            assert_eq!(Answer::from(frame), answer);
        }
    }
}

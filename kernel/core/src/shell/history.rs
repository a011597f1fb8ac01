//! The lines that were typed before.

use alloc::collections::VecDeque;
use alloc::string::String;

use heapless::String as Limited;
use ushell::history::History;

use super::LINE_LIMIT;

/// Lines that are kept.
const CAPACITY: usize = 100;

/// The last lines, the newest first, and where among them the user is.
#[derive(Debug, Default)]
pub(super) struct Past {
    lines: VecDeque<String>,
    /// 0: in the line that is being typed; otherwise so many lines back.
    back: usize,
}

impl Past {
    /// The lines, the oldest first.
    pub(super) fn lines(&self) -> impl Iterator<Item = &str> {
        self.lines.iter().rev().map(String::as_str)
    }

    fn line(&self) -> Option<Limited<LINE_LIMIT>> {
        match self.back.checked_sub(1) {
            None => Some(Limited::new()),
            Some(index) => Limited::try_from(self.lines.get(index)?.as_str()).ok(),
        }
    }
}

impl History<LINE_LIMIT> for Past {
    fn reset(&mut self) {
        self.lines.clear();
        self.back = 0;
    }

    fn push(&mut self, line: &str) -> Result<(), ()> {
        self.back = 0;
        if !line.trim().is_empty() && self.lines.front().is_none_or(|last| last != line) {
            self.lines.truncate(CAPACITY - 1);
            self.lines.push_front(line.into());
        }
        Ok(())
    }

    fn go_back(&mut self) -> Option<Limited<LINE_LIMIT>> {
        if self.back == self.lines.len() {
            return None;
        }
        self.back += 1;
        self.line()
    }

    fn go_forward(&mut self) -> Option<Limited<LINE_LIMIT>> {
        self.back = self.back.checked_sub(1)?;
        self.line()
    }
}

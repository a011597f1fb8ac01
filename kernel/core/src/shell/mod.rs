//! The shell's pure part: what a line means, how it is typed, and how a host has one executed.
//!
//! | file | what |
//! |---|---|
//! | `line` | words, quotes, redirections; what is wrong with a line, and where |
//! | `editor` | keys to lines: editing, history, completion, on top of the crate `ushell` |
//! | `history` | the lines that were typed before |
//! | `keys` | bytes of a terminal to keys |
//! | `frame` | what a command printed and how it ended, for a program at the other end of the console |

mod editor;
mod frame;
mod history;
mod keys;
mod line;

pub use editor::{Editor, Event, LINE_LIMIT};
pub use frame::{Frame, INTERRUPT, MARK};
pub use line::{Command, LineError, Problem, Redirect, Target, When, Word, parse};

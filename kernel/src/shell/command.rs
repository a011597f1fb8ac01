//! The table of commands.

use alloc::string::String;
use alloc::vec::Vec;

use kernel_core::errno::Errno;

use super::context::Context;
use super::{files, kernel, modules, own};

/// A command.
#[derive(Debug)]
pub(super) struct Command {
    pub(super) name: &'static str,
    /// What stands behind the name.
    pub(super) usage: &'static str,
    /// What it does, in a few words.
    pub(super) about: &'static str,
    /// More about it: lines, or nothing.
    pub(super) help: &'static str,
    /// What Tab offers for its arguments.
    pub(super) takes: Takes,
    /// Its work, with the words behind its name; answers its status.
    pub(super) run: fn(&mut Context, &[String]) -> Result<i32, Errno>,
}

/// What the arguments of a command are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Takes {
    Nothing,
    Paths,
    /// Modules that could be loaded.
    Modules,
    /// Modules that are loaded.
    Loaded,
    Commands,
}

/// All commands, by their names.
pub(super) static COMMANDS: &[Command] = &[
    kernel::AWAIT,
    files::CAT,
    files::CD,
    own::CLEAR,
    kernel::DMESG,
    files::ECHO,
    own::EXIT,
    own::FALSE,
    files::GREP,
    own::HELP,
    own::HISTORY,
    modules::INSMOD,
    files::LS,
    modules::LSMOD,
    modules::MODPROBE,
    own::POWEROFF,
    kernel::PS,
    files::PWD,
    modules::RMMOD,
    kernel::SLEEP,
    kernel::THREADS,
    own::TRUE,
];

/// The command of this name.
pub(super) fn find(name: &str) -> Option<&'static Command> {
    COMMANDS.iter().find(|command| command.name == name)
}

/// Options and the other words: an option begins with `-`, and `--` ends them.
///
/// # Errors
/// An option that is not in `known`, a letter each.
pub(super) fn options<'a>(words: &'a [String], known: &str) -> Result<(String, Vec<&'a str>), &'a str> {
    let mut options = String::new();
    let mut rest = words.iter().map(String::as_str);
    let mut others = Vec::new();
    for word in rest.by_ref() {
        match word.strip_prefix('-') {
            Some("-") => break,
            Some(letters) if !letters.is_empty() => {
                if !letters.chars().all(|letter| known.contains(letter)) {
                    return Err(word);
                }
                options.push_str(letters);
            }
            _ => others.push(word),
        }
    }
    others.extend(rest);
    Ok((options, others))
}

//! Commands of the shell itself.

use core::fmt::Write;

use kernel_core::errno::Errno;

use super::command::{COMMANDS, Command, Takes, find};
use super::context::{Context, FAILURE, SUCCESS};

pub(super) const CLEAR: Command = Command {
    name: "clear",
    usage: "",
    about: "Empties the screen.",
    help: "Ctrl-L does, too.",
    takes: Takes::Nothing,
    run: |context, _| {
        write!(context.out(), "\x1b[H\x1b[2J")?;
        Ok(SUCCESS)
    },
};

pub(super) const EXIT: Command = Command {
    name: "exit",
    usage: "[STATUS]",
    about: "Ends the shell and turns the machine off.",
    help: "The status, 0 to 255, is that of the program that runs the machine. Ctrl-D does, too.",
    takes: Takes::Nothing,
    run: |context, words| leave(context, "exit", words),
};

pub(super) const POWEROFF: Command = Command {
    name: "poweroff",
    usage: "",
    about: "Turns the machine off.",
    help: "",
    takes: Takes::Nothing,
    run: |context, words| leave(context, "poweroff", words),
};

fn leave(context: &mut Context, name: &str, words: &[alloc::string::String]) -> Result<i32, Errno> {
    let status = match words {
        [] => Some(0),
        [status] if name == "exit" => status.parse().ok(),
        _ => None,
    };
    let Some(status) = status else {
        return Ok(context.misuse(name, format_args!("'{}' is no status", words.join(" "))));
    };
    context.exit = Some(status);
    Ok(SUCCESS)
}

pub(super) const FALSE: Command = Command {
    name: "false",
    usage: "",
    about: "Does nothing, and fails.",
    help: "",
    takes: Takes::Nothing,
    run: |_, _| Ok(FAILURE),
};

pub(super) const TRUE: Command = Command {
    name: "true",
    usage: "",
    about: "Does nothing, and succeeds.",
    help: "",
    takes: Takes::Nothing,
    run: |_, _| Ok(SUCCESS),
};

pub(super) const HELP: Command = Command {
    name: "help",
    usage: "[COMMAND]",
    about: "Says what commands there are, or what one does.",
    help: "COMMAND --help does the latter, too.",
    takes: Takes::Commands,
    run: |context, words| match words {
        [] => {
            for command in COMMANDS {
                writeln!(context.out(), "{:9} {}", command.name, command.about)?;
            }
            Ok(SUCCESS)
        }
        [name] => match find(name) {
            Some(command) => {
                show_help(command, &mut context.out())?;
                Ok(SUCCESS)
            }
            None => Ok(context.complain(format_args!("help: there is no command '{name}'"))),
        },
        _ => Ok(context.misuse("help", format_args!("more than one command"))),
    },
};

/// What a command is, in a few lines.
pub(super) fn show_help(command: &Command, out: &mut dyn Write) -> Result<(), Errno> {
    let space = if command.usage.is_empty() { "" } else { " " };
    writeln!(out, "usage: {}{space}{}", command.name, command.usage)?;
    writeln!(out, "{}", command.about)?;
    command
        .help
        .lines()
        .try_for_each(|line| writeln!(out, "  {line}"))?;
    Ok(())
}

pub(super) const HISTORY: Command = Command {
    name: "history",
    usage: "",
    about: "Lists the lines that were typed.",
    help: "The keys up and down bring them back.",
    takes: Takes::Nothing,
    run: |context, _| {
        for (number, line) in core::mem::take(&mut context.history).iter().enumerate() {
            writeln!(context.out(), "{:5}  {line}", number + 1)?;
        }
        Ok(SUCCESS)
    },
};

//! Commands for files and folders.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt::Write as _;

use kernel_core::errno::Errno;
use kernel_core::tree::shown_mode;

use super::Peer;
use super::command::{Command, Takes, options};
use super::context::{Context, FAILURE, MISUSE, SUCCESS};
use crate::tree::{self, Info};

pub(super) const CAT: Command = Command {
    name: "cat",
    usage: "FILE...",
    about: "Prints files.",
    help: "",
    takes: Takes::Paths,
    run: |context, words| {
        if words.is_empty() {
            return Ok(context.misuse("cat", format_args!("no file")));
        }
        let mut status = SUCCESS;
        for word in words {
            let path = context.path(word);
            match tree::read(&path, &mut context.out()) {
                Ok(()) => {}
                Err(Errno::Interrupted) => return Err(Errno::Interrupted),
                Err(error) => status = context.complain(format_args!("cat: {word}: {}", error.text())),
            }
        }
        Ok(status)
    },
};

pub(super) const CD: Command = Command {
    name: "cd",
    usage: "[FOLDER]",
    about: "Goes to a folder, or to /.",
    help: "",
    takes: Takes::Paths,
    run: |context, words| {
        let word = match words {
            [] => "/",
            [word] => word,
            _ => return Ok(context.misuse("cd", format_args!("more than one folder"))),
        };
        let path = context.path(word);
        match tree::info(&path) {
            Ok(Info { is_folder: true, .. }) => context.folder = path,
            Ok(_) => return Ok(context.complain(format_args!("cd: {word}: {}", Errno::NotDirectory.text()))),
            Err(error) => return Ok(context.complain(format_args!("cd: {word}: {}", error.text()))),
        }
        Ok(SUCCESS)
    },
};

pub(super) const ECHO: Command = Command {
    name: "echo",
    usage: "[-n] [WORD...]",
    about: "Prints words; with > FILE it writes them to a file.",
    help: "-n  without an end of line",
    takes: Takes::Paths,
    run: |context, words| {
        let (words, end) = match words.split_first() {
            Some((first, rest)) if first == "-n" => (rest, ""),
            _ => (words, "\n"),
        };
        write!(context.out(), "{}{end}", words.join(" "))?;
        Ok(SUCCESS)
    },
};

pub(super) const GREP: Command = Command {
    name: "grep",
    usage: "[-qvc] TEXT FILE...",
    about: "Prints the lines that have a text in them. Its status is 1 when there are none.",
    help: "-q  prints nothing\n-v  the lines that do not have it\n-c  how many there are",
    takes: Takes::Paths,
    run: |context, words| {
        let (letters, words) = match options(words, "qvcFE") {
            Ok(split) => split,
            Err(unknown) => return Ok(context.misuse("grep", format_args!("unknown option '{unknown}'"))),
        };
        let Some((text, files)) = words.split_first().filter(|(_, files)| !files.is_empty()) else {
            return Ok(context.misuse("grep", format_args!("no text, or no file")));
        };
        let has = |letter| letters.contains(letter);
        let (mut found, mut status) = (0_usize, None);
        for word in files {
            let mut content = String::new();
            if let Err(error) = tree::read(&context.path(word), &mut content) {
                context.complain(format_args!("grep: {word}: {}", error.text()));
                status = Some(MISUSE);
            }
            for line in content.lines().filter(|line| line.contains(text) != has('v')) {
                found += 1;
                if !has('q') && !has('c') {
                    let name = if files.len() > 1 {
                        format!("{word}:")
                    } else {
                        String::new()
                    };
                    writeln!(context.out(), "{name}{line}")?;
                }
            }
        }
        if has('c') {
            writeln!(context.out(), "{found}")?;
        }
        Ok(status.unwrap_or(if found == 0 { FAILURE } else { SUCCESS }))
    },
};

pub(super) const LS: Command = Command {
    name: "ls",
    usage: "[-ld1] [PATH...]",
    about: "Lists folders.",
    help: "-l  with rights and sizes, a line for each\n-d  the folders themselves\n-1  a line for each",
    takes: Takes::Paths,
    run: ls,
};

fn ls(context: &mut Context, words: &[String]) -> Result<i32, Errno> {
    let (letters, mut words) = match options(words, "lda1") {
        Ok(split) => split,
        Err(unknown) => return Ok(context.misuse("ls", format_args!("unknown option '{unknown}'"))),
    };
    if words.is_empty() {
        words.push(".");
    }
    let has = |letter| letters.contains(letter);
    let (mut status, mut files, mut folders) = (SUCCESS, Vec::new(), Vec::new());
    for word in &words {
        match tree::info(&context.path(word)) {
            Ok(info) if info.is_folder && !has('d') => folders.push(*word),
            Ok(info) => files.push((word.to_string(), info)),
            Err(error) => {
                context.complain(format_args!("ls: cannot access '{word}': {}", error.text()));
                status = MISUSE;
            }
        }
    }
    let by_lines = has('l') || has('1') || context.peer == Peer::Program;
    show(context, &files, has('l'), by_lines)?;
    for (number, word) in folders.iter().enumerate() {
        if words.len() > 1 {
            let gap = if number == 0 && files.is_empty() { "" } else { "\n" };
            writeln!(context.out(), "{gap}{word}:")?;
        }
        // It can have gone meanwhile.
        let names = tree::list(&context.path(word)).unwrap_or_default();
        show(context, &names, has('l'), by_lines)?;
    }
    Ok(status)
}

fn show(context: &mut Context, names: &[(String, Info)], is_long: bool, by_lines: bool) -> Result<(), Errno> {
    /// Columns of a terminal that nobody has asked for its width.
    const WIDTH: usize = 80;
    let mut out = context.out();
    if is_long {
        for (name, info) in names {
            let links = if info.is_folder { 2 } else { 1 };
            let rights = shown_mode(info.is_folder, info.mode);
            writeln!(out, "{rights} {links} root root {:>6} {name}", info.size)?;
        }
        return Ok(());
    }
    if by_lines {
        names.iter().try_for_each(|(name, _)| writeln!(out, "{name}"))?;
        return Ok(());
    }
    let column = names.iter().map(|(name, _)| name.len() + 3).max().unwrap_or(1);
    for row in names.chunks((WIDTH / column).max(1)) {
        let mut line = String::new();
        for (name, info) in row {
            let name = [name.as_str(), if info.is_folder { "/" } else { "" }].concat();
            line.push_str(&format!("{name:column$}"));
        }
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

pub(super) const PWD: Command = Command {
    name: "pwd",
    usage: "",
    about: "Prints the folder that paths count from.",
    help: "",
    takes: Takes::Nothing,
    run: |context, _| {
        let folder = context.folder.clone();
        writeln!(context.out(), "{folder}")?;
        Ok(SUCCESS)
    },
};

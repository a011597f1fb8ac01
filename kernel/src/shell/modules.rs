//! Commands for modules. What they say when something is wrong is what kmod's programs say, of which scripts know the words.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt::Write as _;

use kernel_core::errno::Errno;
use kernel_core::module::ModuleFile;

use super::command::{Command, Takes, options};
use super::context::{Context, SUCCESS};
use crate::module::{self, Module, Reason, State};
use crate::{initrd, tree};

/// The folders of the initial RAM disk that `modprobe` looks into: what a person gave comes first.
const FOLDERS: [&str; 2] = ["extra", "modules"];

pub(super) const INSMOD: Command = Command {
    name: "insmod",
    usage: "FILE [NAME=VALUE...]",
    about: "Loads a module from a file, with parameters.",
    help: "Files are in /boot. modprobe finds them by the module's name.",
    takes: Takes::Paths,
    run: |context, words| {
        let Some((file, parameters)) = words.split_first() else {
            return Ok(context.complain(format_args!("insmod: ERROR: missing filename.")));
        };
        let path = context.path(file);
        let fail = |context: &mut Context, text: &str| {
            context.complain(format_args!(
                "insmod: ERROR: could not load module {file}: {text}"
            ))
        };
        if let Err(error) = tree::info(&path) {
            return Ok(fail(context, error.text()));
        }
        let Some(bytes) = tree::bytes(&path) else {
            return Ok(fail(context, "Exec format error"));
        };
        match insert(file, bytes, parameters) {
            Ok(()) => Ok(SUCCESS),
            Err(error) => {
                let text = insmod_text(error);
                Ok(context.complain(format_args!(
                    "insmod: ERROR: could not insert module {file}: {text}"
                )))
            }
        }
    },
};

/// insmod has words of its own for some errors.
fn insmod_text(error: Errno) -> &'static str {
    match error {
        Errno::NoExec => "Invalid module format",
        Errno::NoEntry => "Unknown symbol in module",
        Errno::Invalid => "Invalid parameters",
        other => other.text(),
    }
}

/// Loads a module. More than the error's number is in the log, unless that has it already.
fn insert(file: &str, bytes: &[u8], parameters: &[String]) -> Result<(), Errno> {
    let parameters: Vec<String> = parameters.iter().map(|word| quoted(word)).collect();
    match module::load_with(file, bytes, &parameters.join(" ")) {
        Ok(_) => Ok(()),
        Err(error) => {
            if !matches!(error.reason, Reason::Init { .. } | Reason::Patch(_)) {
                log::warn!(target: "", "{error}");
            }
            Err(error.errno())
        }
    }
}

/// A value with a space in it, in quotes.
fn quoted(word: &str) -> String {
    match word.split_once('=') {
        Some((name, value)) if value.contains(' ') && !value.starts_with('"') => {
            format!("{name}=\"{value}\"")
        }
        _ => word.to_string(),
    }
}

pub(super) const MODPROBE: Command = Command {
    name: "modprobe",
    usage: "[-r] MODULE [NAME=VALUE...]",
    about: "Loads a module by its name, and those that it depends on; with -r unloads it.",
    help: "-r  unloads modules, and those that only they depended on\nA module that is loaded already is a success.",
    takes: Takes::Modules,
    run: modprobe,
};

fn modprobe(context: &mut Context, words: &[String]) -> Result<i32, Errno> {
    // Parameters may look like options.
    let split = words
        .iter()
        .position(|word| !word.starts_with('-'))
        .unwrap_or(words.len());
    let (letters, rest) = (&words[..split], &words[split..]);
    let letters = match options(letters, "rqv") {
        Ok((letters, _)) => letters,
        Err(unknown) => return Ok(context.misuse("modprobe", format_args!("unknown option '{unknown}'"))),
    };
    let Some((name, parameters)) = rest.split_first() else {
        return Ok(context.complain(format_args!(
            "modprobe: ERROR: missing parameters. See 'help modprobe'."
        )));
    };
    if letters.contains('r') {
        let mut status = SUCCESS;
        for name in rest {
            status = status.max(remove(context, name)?);
        }
        return Ok(status);
    }
    let name = name.replace('-', "_");
    let mut dependents = Vec::new();
    Ok(load(context, &name, parameters, &mut dependents))
}

/// Loads a module behind those that it depends on.
fn load(context: &mut Context, name: &str, parameters: &[String], dependents: &mut Vec<String>) -> i32 {
    if module::get(name).is_some_and(|module| module.state() == State::Live) {
        return SUCCESS;
    }
    let Some((file, bytes)) = find(name) else {
        return context.complain(format_args!(
            "modprobe: FATAL: Module {name} not found in directory /boot/modules"
        ));
    };
    let depends = ModuleFile::parse(bytes)
        .map(|file| file.info.depends)
        .unwrap_or_default();
    dependents.push(name.to_string());
    for dependency in depends
        .iter()
        .filter(|name| !dependents.contains(name))
        .cloned()
        .collect::<Vec<_>>()
    {
        let status = load(context, &dependency, &[], dependents);
        if status != SUCCESS {
            return status;
        }
    }
    let text = match insert(file, bytes, parameters) {
        Ok(()) | Err(Errno::Exists) => return SUCCESS,
        Err(Errno::NoEntry) => "Unknown symbol in module, or unknown parameter (see dmesg)",
        Err(error) => error.text(),
    };
    context.complain(format_args!("modprobe: ERROR: could not insert '{name}': {text}"))
}

/// Unloads a module, and those that only it depended on.
fn remove(context: &mut Context, name: &str) -> Result<i32, Errno> {
    let name = name.replace('-', "_");
    let Some(module) = module::get(&name) else {
        return Ok(context.complain(format_args!("modprobe: FATAL: Module {name} not found.")));
    };
    if module.use_count() != 0 {
        return Ok(context.complain(format_args!("modprobe: FATAL: Module {name} is in use.")));
    }
    let depends = module.info.depends.clone();
    drop(module);
    if let Err(error) = unload(context, &name)? {
        return Ok(context.complain(format_args!(
            "modprobe: ERROR: could not remove '{name}': {}",
            error.text()
        )));
    }
    for dependency in depends {
        if module::get(&dependency).is_some_and(|module| module.use_count() == 0) {
            remove(context, &dependency)?;
        }
    }
    Ok(SUCCESS)
}

pub(super) const RMMOD: Command = Command {
    name: "rmmod",
    usage: "MODULE...",
    about: "Unloads modules.",
    help: "",
    takes: Takes::Loaded,
    run: |context, words| {
        if words.is_empty() {
            return Ok(context.complain(format_args!("rmmod: ERROR: missing module name.")));
        }
        let mut status = SUCCESS;
        for word in words {
            let name = word.replace('-', "_");
            let Some(module) = module::get(&name) else {
                status = context.complain(format_args!(
                    "rmmod: ERROR: Module {name} is not currently loaded"
                ));
                continue;
            };
            let (users, count) = (users(&module), module.use_count());
            drop(module);
            if count != 0 {
                let by = if users.is_empty() {
                    String::new()
                } else {
                    format!(" by: {}", users.join(" "))
                };
                status = context.complain(format_args!("rmmod: ERROR: Module {name} is in use{by}"));
            } else if let Err(error) = unload(context, &name)? {
                let text = error.text();
                status = context.complain(format_args!(
                    "rmmod: ERROR: could not remove module {name}: {text}"
                ));
            }
        }
        Ok(status)
    },
};

/// Unloads a module that nobody holds. A thread may still be on its way out of it, which is waited for.
///
/// # Errors
/// The outer one: the command has been asked to stop.
fn unload(context: &mut Context, name: &str) -> Result<Result<(), Errno>, Errno> {
    /// Times, and ticks of the timebase in between: 1 s.
    const TRIES: usize = 100;
    const PATIENCE: u64 = arch::time::TICKS_PER_SECOND / 100;
    for _ in 0..TRIES {
        let error = match module::unload(name) {
            Ok(()) => return Ok(Ok(())),
            Err(error) => error,
        };
        let is_held = module::get(name).is_some_and(|module| module.use_count() != 0);
        if is_held || !matches!(error.reason, Reason::InUse { .. }) {
            log::warn!(target: "", "{error}");
            return Ok(Err(error.errno()));
        }
        context.sleep(PATIENCE)?;
    }
    if let Err(error) = module::unload(name) {
        log::warn!(target: "", "{error}");
        return Ok(Err(Errno::Again));
    }
    Ok(Ok(()))
}

pub(super) const LSMOD: Command = Command {
    name: "lsmod",
    usage: "",
    about: "Lists the loaded modules, and who uses them.",
    help: "",
    takes: Takes::Nothing,
    run: |context, _| {
        writeln!(context.out(), "Module                  Size  Used by")?;
        for module in module::list().iter().rev() {
            let size = module.range.end - module.range.start;
            let users = users(module).join(",");
            let line = format!("{:19} {size:8}  {} {users}", module.info.name, module.use_count());
            writeln!(context.out(), "{}", line.trim_end())?;
        }
        Ok(SUCCESS)
    },
};

/// The modules that use a module.
fn users(module: &Module) -> Vec<String> {
    tree::module_users(module)
}

/// The file of a module that came with the boot: its path, and its bytes.
fn find(name: &str) -> Option<(&'static str, &'static [u8])> {
    let in_folder = |folder| {
        initrd::files()
            .filter(move |file| module_in(file.name) == Some((folder, name.to_string())))
            .last()
    };
    let file = FOLDERS.into_iter().find_map(in_folder)?;
    Some((file.name, file.bytes))
}

/// The names of all modules that came with the boot.
pub(super) fn loadable() -> Vec<String> {
    let mut names: Vec<String> = initrd::files()
        .filter_map(|file| module_in(file.name))
        .map(|(_, name)| name)
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// The folder and the module's name of a file `folder/name.ko`. In `extra` the names begin with a number.
fn module_in(path: &str) -> Option<(&'static str, String)> {
    let (folder, file) = path.split_once('/')?;
    let folder = FOLDERS.into_iter().find(|known| *known == folder)?;
    let name = file.strip_suffix(".ko")?;
    let name = match name.split_once('-') {
        Some((number, name)) if folder == "extra" && number.parse::<u32>().is_ok() => name,
        _ => name,
    };
    Some((folder, name.replace('-', "_")))
}

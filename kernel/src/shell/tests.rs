//! Commands, without a console: what they write to a file of the tree, their status, their threads.

use alloc::string::String;
use alloc::vec::Vec;

use kernel_core::shell::parse;

use super::Peer;
use super::command::{COMMANDS, options};
use super::completion::complete;
use super::context::Context;
use super::input::Input;
use super::job;
use crate::logging::{self, Place};
use crate::{ensure, ensure_eq, ktest};

/// Runs a command whose output goes to the log, and answers its status and what it has printed.
fn run(line: &str) -> Result<(i32, Vec<String>), String> {
    let line = alloc::format!("{line} > /dev/kmsg 2>&1");
    let commands = parse(&line, 0).map_err(|error| alloc::format!("{line}: {error}"))?;
    let (mut place, mut text) = (Place::default(), String::new());
    while logging::read(&mut place, &mut text).is_some() {}
    let level = logging::console_level();
    logging::set_console_level(0);
    let ended = job::run(&commands[0], Context::new(Peer::Person), &mut Input::default());
    logging::set_console_level(level);
    let mut lines = Vec::new();
    while logging::read(&mut place, &mut text).is_some() {
        lines.push(text.clone());
    }
    Ok((ended.status, lines))
}

ktest! {
    fn commands_are_in_order_and_explain_themselves() {
        ensure!(COMMANDS.is_sorted_by_key(|command| command.name), "they are not in order");
        for command in COMMANDS {
            let (status, lines) = run(&alloc::format!("{} --help", command.name))?;
            ensure_eq!(status, 0, "{}: its status", command.name);
            let usage = alloc::format!("usage: {} {}", command.name, command.usage);
            ensure_eq!(lines.first().map(String::as_str), Some(usage.trim_end()), "{}: its first line", command.name);
            ensure_eq!(lines.get(1).map(String::as_str), Some(command.about), "{}: its second line", command.name);
        }
        Ok(())
    }

    fn commands_say_what_is_wrong_in_one_line_and_fail() {
        for (line, status, complaint) in [
            ("cat", 2, "cat: no file; see 'help cat'"),
            ("cat /nowhere", 1, "cat: /nowhere: No such file or directory"),
            ("cat /proc", 1, "cat: /proc: Is a directory"),
            ("cd /proc/cmdline", 1, "cd: /proc/cmdline: Not a directory"),
            ("ls -x", 2, "ls: unknown option '-x'; see 'help ls'"),
            ("ls /nowhere", 2, "ls: cannot access '/nowhere': No such file or directory"),
            ("grep x", 2, "grep: no text, or no file; see 'help grep'"),
            ("sleep x", 2, "sleep: 'x' is no number of seconds; see 'help sleep'"),
            ("sleep 1.1234567", 2, "sleep: '1.1234567' is no number of seconds; see 'help sleep'"),
            ("sleep 99999999999999999999", 2, "sleep: '99999999999999999999' is no number of seconds; see 'help sleep'"),
            ("exit x", 2, "exit: 'x' is no status; see 'help exit'"),
            ("exit 256", 2, "exit: '256' is no status; see 'help exit'"),
            ("help nonsense", 1, "help: there is no command 'nonsense'"),
            ("dmesg x", 2, "dmesg: what is 'x'?; see 'help dmesg'"),
            ("insmod /nowhere", 1, "insmod: ERROR: could not load module /nowhere: No such file or directory"),
            ("insmod /proc/cmdline", 1, "insmod: ERROR: could not load module /proc/cmdline: Exec format error"),
            ("modprobe nothing", 1, "modprobe: FATAL: Module nothing not found in directory /boot/modules"),
            ("modprobe -r nothing", 1, "modprobe: FATAL: Module nothing not found."),
            ("rmmod nothing", 1, "rmmod: ERROR: Module nothing is not currently loaded"),
            ("await /proc/version x 0", 1, "await: /proc/version: it is still"),
        ] {
            let (found, lines) = run(line)?;
            ensure_eq!(found, status, "the status of '{line}', which says {lines:?}");
            ensure!(lines.len() == 1 && lines[0].starts_with(complaint), "'{line}' says {lines:?}");
        }
        Ok(())
    }

    fn modules_are_loaded_listed_and_unloaded() {
        ensure_eq!(run("modprobe klp-target")?, (0, Vec::new()), "loading it");
        ensure_eq!(run("modprobe klp_target")?, (0, Vec::new()), "loading it again");
        let again = run("insmod /boot/modules/klp_target.ko")?;
        let text = "insmod: ERROR: could not insert module /boot/modules/klp_target.ko: File exists";
        ensure!(again.0 == 1 && again.1.iter().any(|line| line == text), "insmod says {again:?}");
        let (_, lines) = run("lsmod")?;
        ensure!(lines.len() == 2 && lines[1].starts_with("klp_target ") && lines[1].ends_with(" 0"), "lsmod: {lines:?}");
        ensure_eq!(run("cat /sys/module/*/refcnt")?, (0, Vec::from([String::from("0")])), "its users");
        ensure_eq!(run("modprobe klp_patch")?.0, 0, "the patch");
        crate::livepatch::settle();
        let (status, lines) = run("rmmod klp_patch")?;
        ensure_eq!((status, lines.last().map(String::as_str)), (1, Some("rmmod: ERROR: Module klp_patch is in use")), "rmmod");
        ensure_eq!(crate::tree::write("/sys/kernel/livepatch/klp_patch/enabled", "0\n"), Ok(()), "disabling it");
        ensure_eq!(run("await /sys/kernel/livepatch/klp_patch/enabled gone")?.0, 0, "waiting for its end");
        ensure_eq!(run("rmmod klp_patch")?.0, 0, "unloading the patch");
        ensure_eq!(run("modprobe -r klp_target")?, (0, Vec::new()), "unloading");
        ensure_eq!(run("ls /sys/module")?.1, Vec::<String>::new(), "what is left");
        Ok(())
    }

    fn parameters_are_given_when_a_module_is_loaded() {
        ensure_eq!(run("modprobe parameters an_int=5 'a_charp=two words' a_bool")?, (0, Vec::new()), "loading it");
        let (_, values) = run("cat /sys/module/parameters/parameters/an_int /sys/module/parameters/parameters/a_charp")?;
        ensure_eq!(values, ["5", "two words"], "what was given");
        ensure_eq!(run("rmmod parameters")?, (0, Vec::new()), "unloading it");
        let (status, lines) = run("modprobe parameters an_int=many")?;
        let text = "modprobe: ERROR: could not insert 'parameters': Invalid argument";
        ensure_eq!((status, lines.last().map(String::as_str)), (1, Some(text)), "a value that is none");
        ensure!(crate::module::get("parameters").is_none(), "it was loaded all the same");
        Ok(())
    }

    fn words_with_stars_are_paths() {
        ensure_eq!(run("echo /proc/cm* /proc/nothing*")?.1, ["/proc/cmdline /proc/nothing*"], "patterns");
        ensure_eq!(run("echo '/proc/cm*' pro*/cmdl?ne")?.1, ["/proc/cm* proc/cmdline"], "quotes, and paths from here");
        Ok(())
    }

    fn tab_offers_what_fits() {
        let has = |line: &str, word: &str| complete(line, "/").iter().any(|found| found == word);
        for (line, word) in [
            ("", "cat"),
            ("ls; ", "cat"),
            ("cat /pr", "/proc/"),
            ("cat /proc/cmd", "/proc/cmdline"),
            ("cat pr", "proc/"),
            ("echo 1 >/proc/sys/kernel/ft", "/proc/sys/kernel/ftrace_enabled"),
            ("true && modprobe k", "klp_target"),
            ("help c", "cat"),
        ] {
            ensure!(has(line, word), "'{line}' does not lead to '{word}': {:?}", complete(line, "/"));
        }
        ensure!(!has("pwd ", "cat") && !has("nonsense ", "cat"), "something that takes nothing gets something");
        Ok(())
    }

    fn options_are_letters() {
        let words = ["-l", "a", "-d1", "--", "-x"].map(String::from);
        ensure_eq!(options(&words, "ld1"), Ok((String::from("ld1"), Vec::from(["a", "-x"]))), "options");
        ensure_eq!(options(&words, "l"), Err("-d1"), "an unknown option");
        Ok(())
    }
}

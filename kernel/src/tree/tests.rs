//! The tree as a program sees it: what can be read, what not, and with which error.

use alloc::string::String;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU64, Ordering};

use kernel_core::errno::Errno;
use kernel_core::tree::shown_mode;

use super::{info, list, read, write};
use crate::livepatch::KlpPatch;
use crate::situations::GATE;
use crate::{ensure, ensure_eq, ftrace, initrd, ktest, livepatch, module, thread};

fn content(path: &str) -> Result<String, String> {
    let mut text = String::new();
    read(path, &mut text)
        .map(|()| text)
        .map_err(|error| alloc::format!("{path}: {error}"))
}

fn names(path: &str) -> Result<Vec<String>, String> {
    let names = list(path).map_err(|error| alloc::format!("{path}: {error}"))?;
    Ok(names.into_iter().map(|(name, _)| name).collect())
}

/// Calls `work` with every file and folder below `path`.
fn walk(path: &str, work: &mut dyn FnMut(&str) -> Result<(), String>) -> Result<(), String> {
    for name in names(path)? {
        let path = [path.trim_end_matches('/'), "/", &name].concat();
        work(&path)?;
        if info(&path)
            .map_err(|error| alloc::format!("{path}: {error}"))?
            .is_folder
        {
            walk(&path, work)?;
        }
    }
    Ok(())
}

fn load(name: &str) -> Result<(), String> {
    let path = alloc::format!("modules/{name}.ko");
    let bytes = initrd::file(&path).ok_or_else(|| alloc::format!("there is no {path}"))?;
    module::load(name, bytes)
        .map(|_| ())
        .map_err(|error| alloc::format!("{error}"))
}

static ONE: AtomicU64 = AtomicU64::new(1);

/// Calls another function, so that its frame is on the stack while it waits.
#[inline(never)]
extern "C" fn waits(argument: u64) -> u64 {
    GATE.wait();
    ONE.load(Ordering::Relaxed) + argument
}

extern "C" fn instead(argument: u64) -> u64 {
    ONE.load(Ordering::Relaxed) + 10 * argument
}

const WAITS: &str = "kernel::tree::tests::waits";

/// Opens the gate and takes patches away, also where a case ended early.
struct Cleanup(&'static [&'static str]);

impl Drop for Cleanup {
    fn drop(&mut self) {
        GATE.open();
        for patch in self.0 {
            livepatch::settle();
            // One that the case has taken away itself is not there.
            let _ = livepatch::disable(patch);
        }
        livepatch::settle();
        ftrace::reap();
    }
}

fn unload(name: &str) -> Result<(), String> {
    module::unload(name).map_err(|error| alloc::format!("{error}"))
}

ktest! {
    fn every_file_is_read_or_says_why_not() {
        let mut files = 0;
        walk("/", &mut |path| {
            let found = info(path).map_err(|error| alloc::format!("{path}: {error}"))?;
            let mut text = String::new();
            match read(path, &mut text) {
                Ok(()) => {
                    ensure!(!found.is_folder && found.mode & 0o444 != 0, "{path}: was read, with mode {:o}", found.mode);
                    ensure!(text.is_empty() || text.ends_with('\n'), "{path}: the last line has no end");
                    files += 1;
                }
                Err(Errno::IsDirectory) => ensure!(found.is_folder, "{path} says that it is a folder"),
                Err(Errno::Access) => ensure_eq!(found.mode & 0o444, 0, "the mode of {path}, which cannot be read"),
                Err(Errno::NotSupported) => ensure!(path.starts_with("/boot/"), "{path} cannot be shown"),
                Err(error) => return Err(alloc::format!("{path}: {error}")),
            }
            Ok(())
        })?;
        ensure!(files >= 10, "there are {files} files");
        Ok(())
    }

    fn what_is_not_there_has_linuxs_errors() {
        for (path, on_read, on_write) in [
            ("/nowhere", Errno::NoEntry, Errno::Access),
            ("/nowhere/x", Errno::NoEntry, Errno::NoEntry),
            ("/proc/nothing", Errno::NoEntry, Errno::NoEntry),
            ("/proc/cmdline/x", Errno::NotDirectory, Errno::NotDirectory),
            ("/proc", Errno::IsDirectory, Errno::IsDirectory),
            ("/", Errno::IsDirectory, Errno::IsDirectory),
            ("/sys/kernel/livepatch/none/enabled", Errno::NoEntry, Errno::NoEntry),
            ("/sys/kernel/livepatch/none", Errno::NoEntry, Errno::Access),
            ("/sys/module/none/refcnt", Errno::NoEntry, Errno::NoEntry),
        ] {
            ensure_eq!(read(path, &mut String::new()), Err(on_read), "reading {path}");
            ensure_eq!(write(path, "1"), Err(on_write), "writing {path}");
        }
        ensure_eq!(write("/proc/cmdline", "x"), Err(Errno::Access), "writing the command line");
        ensure_eq!(list("/proc/cmdline"), Err(Errno::NotDirectory), "the command line as a folder");
        ensure_eq!(list("/proc/nothing"), Err(Errno::NoEntry), "a folder that is not there");
        Ok(())
    }

    fn a_module_has_a_folder_as_long_as_it_is_there() {
        ensure!(!names("/sys/module")?.iter().any(|name| name == "klp_target"), "it is there already");
        load("klp_target")?;
        let found = (|| {
            let held = module::hold("klp_target", "module 'somebody'").map_err(|error| alloc::format!("{error}"))?;
            ensure_eq!(content("/sys/module/klp_target/refcnt")?.as_str(), "1\n", "refcnt");
            let modules = content("/proc/modules")?;
            let line = modules.lines().find(|line| line.starts_with("klp_target "));
            let line = line.ok_or("it is not in /proc/modules")?;
            ensure!(line.contains(" 1 somebody, Live 0x"), "its line is {line}");
            drop(held);
            ensure_eq!(content("/sys/module/klp_target/refcnt")?.as_str(), "0\n", "refcnt");
            ensure_eq!(content("/sys/module/klp_target/initstate")?.as_str(), "live\n", "initstate");
            ensure!(content("/proc/kallsyms")?.contains("\t[klp_target]\n"), "no symbol of it");
            Ok(())
        })();
        unload("klp_target")?;
        found?;
        ensure_eq!(info("/sys/module/klp_target"), Err(Errno::NoEntry), "it is gone");
        ensure!(!content("/proc/modules")?.contains("klp_target"), "it is in /proc/modules");
        Ok(())
    }

    fn a_live_patch_has_linuxs_files_and_rights() {
        load("klp_target")?;
        let patch = "/sys/kernel/livepatch/klp_patch";
        let at = |name: &str| [patch, "/", name].concat();
        let found = (|| {
            load("klp_patch")?;
            livepatch::settle();
            for (name, rights) in [
                ("", "drwxr-xr-x"),
                ("enabled", "-rw-r--r--"),
                ("force", "--w-------"),
                ("functions", "-r--r--r--"),
                ("replace", "-r--r--r--"),
                ("stack_order", "-r--r--r--"),
                ("stalled", "-r--r--r--"),
                ("transition", "-r--r--r--"),
                ("klp_target", "drwxr-xr-x"),
                ("klp_target/patched", "-r--r--r--"),
            ] {
                let path = at(name);
                let found = info(path.trim_end_matches('/')).map_err(|error| alloc::format!("{path}: {error}"))?;
                ensure_eq!(shown_mode(found.is_folder, found.mode).as_str(), rights, "the rights of {path}");
            }
            for (name, wanted) in [
                ("enabled", "1\n"),
                ("transition", "0\n"),
                ("replace", "0\n"),
                ("stack_order", "1\n"),
                ("stalled", ""),
                ("klp_target/patched", "1\n"),
            ] {
                ensure_eq!(content(&at(name))?.as_str(), wanted, "{name}");
            }
            let functions = content(&at("functions"))?;
            ensure!(
                functions.lines().count() > 0 && functions.lines().all(|line| line.ends_with(",1: klp_patch")),
                "functions: {functions}"
            );
            ensure!(
                content("/sys/kernel/tracing/enabled_functions")?.contains("(1)   I\tlivepatch\n"),
                "enabled_functions has no live patch"
            );
            ensure_eq!(content("/sys/module/klp_patch/refcnt")?.as_str(), "1\n", "refcnt");
            for (name, text, wanted) in [
                ("enabled", "", Errno::Invalid),
                ("enabled", "2", Errno::Invalid),
                ("enabled", "1", Errno::Invalid),
                ("force", "1", Errno::Invalid),
                ("force", "x", Errno::Invalid),
                ("transition", "1", Errno::Access),
            ] {
                ensure_eq!(write(&at(name), text), Err(wanted), "'{text}' to {name}");
            }
            ensure_eq!(write(&at("force"), "0"), Ok(()), "no force");
            ensure_eq!(read(&at("force"), &mut String::new()), Err(Errno::Access), "reading force");
            ensure_eq!(write("/proc/sys/kernel/ftrace_enabled", "0\n"), Err(Errno::Busy), "no hooks");
            ensure_eq!(write(&at("enabled"), "0\n"), Ok(()), "disabling it");
            livepatch::settle();
            ensure_eq!(info(patch), Err(Errno::NoEntry), "it is gone");
            Ok(())
        })();
        if livepatch::user_of("klp_patch").is_some() {
            livepatch::disable("klp_patch").map_err(|error| alloc::format!("{error}"))?;
            livepatch::settle();
        }
        if module::get("klp_patch").is_some() {
            unload("klp_patch")?;
        }
        unload("klp_target")?;
        found
    }

    fn without_hooks_no_patch_is_enabled() {
        load("klp_target")?;
        let found = (|| {
            ensure_eq!(write("/proc/sys/kernel/ftrace_enabled", "x"), Err(Errno::Invalid), "nonsense");
            ensure_eq!(write("/proc/sys/kernel/ftrace_enabled", "0\n"), Ok(()), "turning hooks off");
            ensure_eq!(content("/proc/sys/kernel/ftrace_enabled")?.as_str(), "0\n", "hooks are off");
            let path = "modules/klp_patch.ko";
            let bytes = initrd::file(path).ok_or("there is no klp_patch")?;
            let error = module::load("klp_patch", bytes).map(|_| ()).err().ok_or("it was loaded")?;
            ensure_eq!(error.errno(), Errno::Busy, "the error of {error}");
            Ok(())
        })();
        ensure_eq!(write("/proc/sys/kernel/ftrace_enabled", "1"), Ok(()), "turning hooks on");
        unload("klp_target")?;
        ensure!(ftrace::is_enabled(), "hooks are off");
        found
    }

    fn a_stalled_transition_says_who_is_in_the_way_and_can_be_forced() {
        let _cleanup = Cleanup(&["tree_upper", "tree_lower"]);
        let lower = |name: &str| ["/sys/kernel/livepatch/tree_lower/", name].concat();
        let patch = |name| KlpPatch::of_kernel(name, &[(WAITS, instead as extern "C" fn(u64) -> u64 as usize as u64)]);
        GATE.close();
        let inside = thread::spawn("inside", || core::hint::black_box(waits)(7));
        GATE.wait_for(inside.thread());
        livepatch::enable(patch("tree_lower")).map_err(|error| alloc::format!("{error}"))?;
        ensure_eq!(content(&lower("transition"))?.as_str(), "1\n", "transition");
        let stalled = content(&lower("stalled"))?;
        ensure!(
            stalled.lines().count() == 1 && stalled.starts_with("thread 'inside' (") && stalled.contains(WAITS),
            "stalled: {stalled}"
        );
        ensure!(content("/proc/threads")?.contains(" inside "), "/proc/threads does not have it");
        ensure_eq!(write(&lower("force"), "1\n"), Ok(()), "forcing it");
        ensure_eq!(content(&lower("transition"))?.as_str(), "0\n", "transition, when it was forced");
        GATE.open();
        ensure_eq!(inside.join(), Ok(8), "what the thread inside returned");

        livepatch::enable(patch("tree_upper")).map_err(|error| alloc::format!("{error}"))?;
        livepatch::settle();
        let line = alloc::format!("vmlinux {WAITS},1: tree_upper\n");
        ensure_eq!(content(&lower("functions"))?, line.clone(), "who wins on the lower one's function");
        ensure_eq!(content("/sys/kernel/livepatch/tree_upper/functions")?, line, "who wins on the upper one's");
        ensure_eq!(content("/sys/kernel/livepatch/tree_upper/stack_order")?.as_str(), "2\n", "stack_order");
        ensure_eq!(write("/sys/kernel/livepatch/tree_upper/enabled", "n"), Ok(()), "disabling the upper one");
        livepatch::settle();
        let line = alloc::format!("vmlinux {WAITS},1: tree_lower\n");
        ensure_eq!(content(&lower("functions"))?, line, "who wins when the upper one is gone");
        Ok(())
    }

    fn parameters_are_files_with_the_rights_that_the_module_says() {
        load("parameters")?;
        let at = |name: &str| ["/sys/module/parameters/parameters/", name].concat();
        let found = (|| {
            for (name, rights, value) in [
                ("an_int", 0o644, "-4\n"),
                ("a_bool", 0o644, "N\n"),
                ("a_byte", 0o444, "1\n"),
                ("a_charp", 0o644, "as built\n"),
                ("an_array", 0o644, "1,2,3,4\n"),
            ] {
                let found = info(&at(name)).map_err(|error| alloc::format!("{name}: {error}"))?;
                ensure_eq!(found.mode, rights, "the rights of {name}");
                ensure_eq!(content(&at(name))?.as_str(), value, "{name}");
            }
            ensure_eq!(write(&at("an_int"), "12\n"), Ok(()), "writing an_int");
            ensure_eq!(content(&at("an_int"))?.as_str(), "12\n", "an_int");
            ensure_eq!(write(&at("an_int"), "many\n"), Err(Errno::Invalid), "writing nonsense");
            ensure_eq!(write(&at("a_byte"), "1\n"), Err(Errno::Access), "writing what must not be");
            ensure_eq!(write(&at("a_charp"), "as written\n"), Ok(()), "writing a_charp");
            ensure_eq!(content(&at("a_charp"))?.as_str(), "as written\n", "a_charp");
            ensure_eq!(info(&at("other_name")), Err(Errno::NoEntry), "a parameter without a file");
            Ok(())
        })();
        unload("parameters")?;
        found
    }

    fn what_is_written_to_the_log_is_in_it() {
        ensure_eq!(write("/dev/kmsg", "<7>tree: one\ntree: two\n"), Ok(()), "writing");
        let log = content("/dev/kmsg")?;
        let mut lines = log.lines().rev();
        let (two, one) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
        ensure!(two.starts_with("7,") && two.ends_with(",-;tree: two"), "the last line is {two}");
        ensure!(one.starts_with("7,") && one.ends_with(",-;tree: one"), "the one before it is {one}");
        Ok(())
    }
}

//! Commands that look at the kernel: its log, its threads, its time.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use core::fmt::Write as _;

use arch::time::{TICKS_PER_SECOND, timebase};
use kernel_core::errno::Errno;

use super::Peer;
use super::command::{Command, Takes, options};
use super::context::{Context, SUCCESS};
use crate::logging::{self, Place, Stamp};
use crate::thread::{self, Thread};
use crate::tree;

pub(super) const AWAIT: Command = Command {
    name: "await",
    usage: "FILE TEXT [SECONDS]",
    about: "Waits until a file's content is a text, 10 seconds at most.",
    help: "'gone' in place of the text: until there is no such file.",
    takes: Takes::Paths,
    run: |context, words| {
        let (file, text, seconds) = match words {
            [file, text] => (file, text, "10"),
            [file, text, seconds] => (file, text, seconds.as_str()),
            _ => return Ok(context.misuse("await", format_args!("a file and a text are wanted"))),
        };
        let Some(limit) = ticks(seconds) else {
            return Ok(context.misuse("await", format_args!("'{seconds}' is no number of seconds")));
        };
        let path = context.path(file);
        let end = timebase().saturating_add(limit);
        loop {
            let mut content = String::new();
            let is_there = match (tree::read(&path, &mut content), text.as_str()) {
                (Err(Errno::NoEntry), "gone") => return Ok(SUCCESS),
                (Err(error), _) => {
                    return Ok(context.complain(format_args!("await: {file}: {}", error.text())));
                }
                (Ok(()), text) => content.trim_end_matches('\n') == text,
            };
            if is_there {
                return Ok(SUCCESS);
            }
            if timebase() >= end {
                let content = content.trim_end().escape_debug();
                return Ok(context.complain(format_args!("await: {file}: it is still '{content}'")));
            }
            context.sleep(TICKS_PER_SECOND / 100)?;
        }
    },
};

pub(super) const DMESG: Command = Command {
    name: "dmesg",
    usage: "[-c] [-C] [-n LEVEL]",
    about: "Prints the kernel's log.",
    help: "-c  and forgets it\n-C  only forgets it\n-n  only messages below this level, 1 to 8, come to the console",
    takes: Takes::Nothing,
    run: |context, words| {
        if let [option, level] = words
            && option == "-n"
        {
            return Ok(match level.parse() {
                Ok(level @ 1..=8) => {
                    logging::set_console_level(level);
                    SUCCESS
                }
                _ => context.misuse("dmesg", format_args!("'{level}' is no level")),
            });
        }
        let letters = match options(words, "cC") {
            Ok((letters, others)) if others.is_empty() => letters,
            Ok((_, others)) => return Ok(context.misuse("dmesg", format_args!("what is '{}'?", others[0]))),
            Err(unknown) => return Ok(context.misuse("dmesg", format_args!("unknown option '{unknown}'"))),
        };
        if !letters.contains('C') {
            let (mut place, mut text) = (Place::default(), String::new());
            while let Some(head) = logging::read(&mut place, &mut text) {
                writeln!(context.out(), "{}{text}", Stamp(head.microseconds))?;
            }
        }
        if !letters.is_empty() {
            logging::clear();
        }
        Ok(SUCCESS)
    },
};

pub(super) const PS: Command = Command {
    name: "ps",
    usage: "",
    about: "Lists the threads: number, state, CPU, how long each has run, name, and the function in which it is.",
    help: "Under PATCH stands 'new' for a thread that uses the live patch which comes or goes.",
    takes: Takes::Nothing,
    run: |context, _| {
        tree::show_threads(&mut context.out(), tree::SECONDS)?;
        Ok(SUCCESS)
    },
};

pub(super) const SLEEP: Command = Command {
    name: "sleep",
    usage: "SECONDS",
    about: "Waits.",
    help: "The number may have a fraction.",
    takes: Takes::Nothing,
    run: |context, words| match words {
        [seconds] => match ticks(seconds) {
            Some(ticks) => {
                context.sleep(ticks)?;
                Ok(SUCCESS)
            }
            None => Ok(context.misuse("sleep", format_args!("'{seconds}' is no number of seconds"))),
        },
        _ => Ok(context.misuse("sleep", format_args!("one number is wanted"))),
    },
};

/// Seconds with up to six places, in ticks of the timebase.
fn ticks(seconds: &str) -> Option<u64> {
    const PLACES: usize = 6;
    let (whole, fraction) = seconds.split_once('.').unwrap_or((seconds, "0"));
    let are_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !are_digits(whole) || !are_digits(fraction) || fraction.len() > PLACES {
        return None;
    }
    let scale = 10_u64.pow((PLACES - fraction.len()) as u32);
    let microseconds = fraction.parse::<u64>().ok()? * scale;
    let whole: u64 = whole.parse().ok()?;
    whole
        .checked_mul(TICKS_PER_SECOND)?
        .checked_add(microseconds * (TICKS_PER_SECOND / 1_000_000))
}

pub(super) const THREADS: Command = Command {
    name: "threads",
    usage: "[-1]",
    about: "Shows the threads and what each takes of a CPU, again and again, until Ctrl-C.",
    help: "-1  once, after a second",
    takes: Takes::Nothing,
    run: threads,
};

fn threads(context: &mut Context, words: &[String]) -> Result<i32, Errno> {
    let once = match options(words, "1") {
        Ok((letters, others)) if others.is_empty() => !letters.is_empty(),
        _ => return Ok(context.misuse("threads", format_args!("what is '{}'?", words[0]))),
    };
    let mut last = Moment::now();
    loop {
        context.sleep(TICKS_PER_SECOND)?;
        let now = Moment::now();
        let share = |thread: &Thread| {
            let thousandths = last.share_until(&now, thread.id());
            format!("{}.{}", thousandths / 10, thousandths % 10)
        };
        let mut page = String::new();
        tree::show_threads(&mut page, ("%CPU", &share))?;
        if once {
            context.out().write_str(&page)?;
            return Ok(SUCCESS);
        }
        let clear = if context.peer == Peer::Person {
            "\x1b[H\x1b[2J"
        } else {
            ""
        };
        let seconds = logging::uptime() / TICKS_PER_SECOND;
        let count = page.lines().count().saturating_sub(1);
        writeln!(context.out(), "{clear}up {seconds} s, {count} threads\n{page}")?;
        last = now;
    }
}

/// How long each thread had run at some time.
struct Moment {
    time: u64,
    /// By the threads' numbers.
    ran: BTreeMap<u32, u64>,
}

impl Moment {
    fn now() -> Self {
        Moment {
            time: timebase(),
            ran: thread::all()
                .iter()
                .map(|thread| (thread.id(), thread.ran()))
                .collect(),
        }
    }

    /// What a thread took of one CPU until a later moment, in thousandths. Who has begun since had run nothing before.
    fn share_until(&self, later: &Moment, thread: u32) -> u64 {
        let ran = |moment: &Moment| moment.ran.get(&thread).copied().unwrap_or(0);
        let ticks = ran(later).saturating_sub(ran(self));
        1000 * ticks / (later.time - self.time).max(1)
    }
}

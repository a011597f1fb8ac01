//! The text of the tracer `function_graph`: who calls whom, and how long it takes, as Linux has it.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use super::{Event, Kind, Names, Snapshot};

/// What a line says of a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    /// It begins, and others are called before it returns.
    Begins,
    /// It begins and returns, after so many ticks.
    Whole(u64),
    /// It returns, after so many ticks. Whether its beginning is in the ring, too.
    Returns(u64, bool),
}

/// One line of a CPU.
#[derive(Clone, Copy, Debug)]
struct Line {
    cpu: usize,
    event: Event,
    what: What,
}

/// The lines of a CPU. A return right behind its call is one line with it.
fn lines(cpu: usize, events: &[Event]) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    // Calls whose return has not come yet: thread and depth.
    let mut open: Vec<(u32, u32)> = Vec::new();
    let mut last = None;
    for event in events.iter().filter(|event| event.kind != Kind::Call) {
        let place = (event.thread, event.depth);
        let ticks = event.time.wrapping_sub(event.other);
        match (event.kind, lines.last_mut()) {
            (Kind::Return, Some(line)) if last == Some((Kind::Entry, place, event.site)) => {
                line.what = What::Whole(ticks);
                open.pop();
            }
            (Kind::Return, _) => {
                let begun = open.iter().rposition(|other| *other == place);
                let what = What::Returns(ticks, begun.is_some());
                lines.push(Line {
                    cpu,
                    event: *event,
                    what,
                });
                begun.map(|index| open.remove(index));
            }
            _ => {
                let what = What::Begins;
                lines.push(Line {
                    cpu,
                    event: *event,
                    what,
                });
                open.push(place);
            }
        }
        last = Some((event.kind, place, event.site));
    }
    lines
}

/// Linux's marks for what takes long, from so many nanoseconds on.
const MARKS: [(u64, char); 6] = [
    (1_000_000_000, '$'),
    (100_000_000, '@'),
    (10_000_000, '*'),
    (1_000_000, '#'),
    (100_000, '!'),
    (10_000, '+'),
];

impl Snapshot {
    /// Writes the calls with their returns, of all CPUs by their times.
    ///
    /// # Errors
    /// `out` takes no more.
    pub fn show_graph(&self, names: &impl Names, out: &mut dyn fmt::Write) -> fmt::Result {
        writeln!(out, "# CPU  DURATION                  FUNCTION CALLS")?;
        writeln!(out, "# |     |   |                     |   |   |   |")?;
        // Whom each CPU ran last.
        let mut threads: Vec<(usize, u32)> = Vec::new();
        for line in self.merged(lines, |line| line.event.time) {
            let thread = line.event.thread;
            match threads.iter_mut().find(|(cpu, _)| *cpu == line.cpu) {
                Some((_, last)) if *last == thread => {}
                Some((cpu, last)) => {
                    switch(*cpu, *last, thread, names, out)?;
                    *last = thread;
                }
                None => threads.push((line.cpu, thread)),
            }
            self.show_line(&line, names, out)?;
        }
        Ok(())
    }

    fn show_line(&self, line: &Line, names: &impl Names, out: &mut dyn fmt::Write) -> fmt::Result {
        let indent = 2 * line.event.depth as usize;
        let (mark, duration) = match line.what {
            What::Begins => (' ', String::new()),
            What::Whole(ticks) | What::Returns(ticks, _) => {
                let time = self.nanoseconds(ticks);
                let mark = MARKS.iter().find(|(from, _)| time >= *from);
                let duration = alloc::format!("{}.{:03} us", time / 1000, time % 1000);
                (mark.map_or(' ', |(_, mark)| *mark), duration)
            }
        };
        write!(out, "{:>2}) {mark} {duration:<12}|  {:indent$}", line.cpu, "")?;
        let function = names.function(line.event.site);
        match line.what {
            What::Begins => writeln!(out, "{function}() {{"),
            What::Whole(_) => writeln!(out, "{function}();"),
            What::Returns(_, true) => writeln!(out, "}}"),
            What::Returns(_, false) => writeln!(out, "}} /* {function} */"),
        }
    }
}

/// A CPU goes on with another thread.
fn switch(cpu: usize, from: u32, to: u32, names: &impl Names, out: &mut dyn fmt::Write) -> fmt::Result {
    let rule = " ------------------------------------------";
    let [from, to] = [from, to].map(|number| alloc::format!("{}-{number}", names.thread(number)));
    writeln!(out, "{rule}\n{cpu:>2})  {from:>16}  =>  {to}\n{rule}\n")
}

#[cfg(test)]
mod tests;

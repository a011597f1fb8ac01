//! The text of the tracer `function`: a line for each call, as Linux has it, but for its marks of latency.

use alloc::format;
use alloc::vec::Vec;
use core::fmt;

use super::{Event, Kind, Names, Snapshot};

impl Snapshot {
    /// Writes the calls that nobody watched the return of, of all CPUs by their times.
    ///
    /// # Errors
    /// `out` takes no more.
    pub fn show_function(&self, names: &impl Names, out: &mut dyn fmt::Write) -> fmt::Result {
        writeln!(out, "#           TASK-PID     CPU#     TIMESTAMP  FUNCTION")?;
        writeln!(out, "#              | |         |         |         |")?;
        let calls = |cpu, events: &[Event]| -> Vec<(usize, Event)> {
            let calls = events.iter().filter(|event| event.kind == Kind::Call);
            calls.map(|event| (cpu, *event)).collect()
        };
        for (cpu, event) in self.merged(calls, |(_, event)| event.time) {
            let microseconds = self.nanoseconds(event.time) / 1000;
            let (seconds, rest) = (microseconds / 1_000_000, microseconds % 1_000_000);
            let name = format!("{}", names.thread(event.thread));
            let function = names.function(event.site);
            // The call itself is in front of where it returns to.
            let caller = names.function(event.other.wrapping_sub(4));
            writeln!(
                out,
                "{name:>16}-{:<7} [{cpu:03}] {seconds:>5}.{rest:06}: {function} <-{caller}",
                event.thread
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::String;

    use super::*;

    struct Numbers;

    impl Names for Numbers {
        fn function(&self, address: u64) -> impl fmt::Display {
            format!("f{address}")
        }

        fn thread(&self, number: u32) -> impl fmt::Display {
            format!("t{number}")
        }
    }

    #[test]
    fn calls_of_all_cpus_are_in_order() {
        let call = |time, site, kind| Event {
            time,
            site,
            other: site + 104,
            thread: 7,
            depth: 0,
            kind,
        };
        let snapshot = Snapshot {
            cpus: Vec::from([
                (
                    0,
                    Vec::from([call(1_000_000, 1, Kind::Call), call(2_000_000, 3, Kind::Call)]),
                ),
                (
                    2,
                    Vec::from([call(1_500_001, 2, Kind::Call), call(1_600_000, 9, Kind::Return)]),
                ),
            ]),
            written: 12,
            ticks_per_second: 1_000_000,
        };
        let mut text = String::new();
        snapshot
            .show_head("function", &mut text)
            .expect("a string takes all");
        snapshot
            .show_function(&Numbers, &mut text)
            .expect("a string takes all");
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[2], "# entries-in-buffer/entries-written: 4/12   #P:2");
        assert_eq!(
            lines[6..],
            [
                "              t7-7       [000]     1.000000: f1 <-f101",
                "              t7-7       [002]     1.500001: f2 <-f102",
                "              t7-7       [000]     2.000000: f3 <-f103",
            ]
        );
    }
}

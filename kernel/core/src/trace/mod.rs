//! Traces of calls: events, the ring that keeps the last ones of a CPU, and how they are shown.
//!
//! | file | what |
//! |---|---|
//! | `event` | one call, or one return |
//! | `ring` | the last events of a CPU |
//! | `function` | the text of the tracer `function`: a line for each call |
//! | `graph` | the text of the tracer `function_graph`: who calls whom, and how long it takes |

mod event;
mod function;
mod graph;
mod ring;

use alloc::vec::{IntoIter, Vec};
use core::fmt;
use core::iter::{self, Peekable};

pub use event::{Event, Kind};
pub use ring::Ring;

/// What the rings of all CPUs had when somebody looked.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// The events of each CPU, in their order, by its number.
    pub cpus: Vec<(usize, Vec<Event>)>,
    /// Events that were written, with those that have been overwritten.
    pub written: u64,
    /// Ticks of the events' clock in a second.
    pub ticks_per_second: u64,
}

/// What numbers in events stand for.
pub trait Names {
    /// The function that an address is in.
    fn function(&self, address: u64) -> impl fmt::Display;
    /// The thread with a number.
    fn thread(&self, number: u32) -> impl fmt::Display;
}

impl Snapshot {
    /// The head that Linux's tracers have in common, for the tracer of this name.
    ///
    /// # Errors
    /// `out` takes no more.
    pub fn show_head(&self, tracer: &str, out: &mut dyn fmt::Write) -> fmt::Result {
        let kept: usize = self.cpus.iter().map(|(_, events)| events.len()).sum();
        let (written, cpus) = (self.written, self.cpus.len());
        write!(out, "# tracer: {tracer}\n#\n")?;
        write!(
            out,
            "# entries-in-buffer/entries-written: {kept}/{written}   #P:{cpus}\n#\n"
        )
    }

    /// What `of_cpu` makes of each CPU's events, which has times that grow, all in one order.
    fn merged<T>(
        &self,
        of_cpu: impl Fn(usize, &[Event]) -> Vec<T>,
        time: impl Fn(&T) -> u64,
    ) -> impl Iterator<Item = T> {
        let lists = self.cpus.iter().map(|(cpu, events)| of_cpu(*cpu, events));
        let mut lists: Vec<Peekable<IntoIter<T>>> = lists.map(|list| list.into_iter().peekable()).collect();
        iter::from_fn(move || {
            let waiting = lists
                .iter_mut()
                .filter_map(|list| Some((time(list.peek()?), list)));
            let (_, first) = waiting.min_by_key(|(time, _)| *time)?;
            first.next()
        })
    }

    /// Nanoseconds.
    fn nanoseconds(&self, ticks: u64) -> u64 {
        let wide = u128::from(ticks) * 1_000_000_000 / u128::from(self.ticks_per_second.max(1));
        wide as u64
    }
}

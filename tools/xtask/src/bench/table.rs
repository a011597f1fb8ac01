//! The rows: what each figure of the guest is, what Linux takes for the same, and what we allow ourselves.
//!
//! Linux's figures: 6.1.192, gcc 12.2, ppc64le, on the same emulator by the same kind of clock, loops of 100,000 calls with
//! interrupts off. They and the budgets are the only figures that are typed in.

use super::figures::Figures;
use anyhow::{Result, bail};

/// A row as it is told.
struct Told {
    /// The figure's id. `*` stands for one word, and what it stands for takes the place of `*` in `what`.
    id: &'static str,
    what: &'static str,
    /// Linux's figure, in the same unit.
    linux: Option<u64>,
    budget: Option<u64>,
}

/// Rows that belong together: one table, one chart.
struct ToldGroup {
    name: &'static str,
    title: &'static str,
    /// What the rows mean, and what they hide.
    text: &'static str,
    rows: &'static [Told],
}

/// A row with its figure.
#[derive(Debug)]
pub(super) struct Row<'a> {
    pub(super) what: String,
    pub(super) unit: &'a str,
    pub(super) value: u64,
    pub(super) linux: Option<u64>,
    pub(super) budget: Option<u64>,
}

impl Row<'_> {
    pub(super) fn is_over(&self) -> bool {
        self.budget.is_some_and(|budget| self.value > budget)
    }
}

/// A group with its figures.
#[derive(Debug)]
pub(super) struct Group<'a> {
    pub(super) name: &'static str,
    pub(super) title: &'static str,
    pub(super) text: &'static str,
    pub(super) rows: Vec<Row<'a>>,
}

const fn row(id: &'static str, what: &'static str, linux: Option<u64>, budget: Option<u64>) -> Told {
    Told {
        id,
        what,
        linux,
        budget,
    }
}

#[rustfmt::skip]
const GROUPS: &[ToldGroup] = &[
    ToldGroup {
        name: "calls",
        title: "One call, in instructions more than the same call unhooked",
        text: "\
B and C are a nop, an addition and a return; a loop of 1,000 calls with interrupts off, less the same loop with B unhooked. A
row is printed only if it comes out as a whole number of instructions a call, twice. In Linux's row of a function that is not
hooked both slots of its entry are counted.

What instruction counts hide here: every hook costs the instruction cache the stub and the trampoline, two to five lines of 128
bytes, and the data cache the hook's head, its list of ops and the frame of the trampoline; a settled patch under `return-stack`
costs one line of code, its stub, and one of data, the record. `bctr` to a place that is in a register is predicted by the count
cache, and the return of C by the link stack: each `blr` must pair with a `bl` or `bctrl`. Under `return-stack` C is called by
`bl`, under `livepatch-stack` by `bctrl`, and the helper returns to A, so both pairs are right; under `none` and `caller-frame`
look at the design's file. Graph tracing replaces a return address, which costs one mispredicted return a call on any processor. An event into the ring is 32
bytes of data cache, and two `mtmsrd`, each of which waits until all before it is done.

`return-stack`: 18 of the 19 are listed in [designs.md](designs.md); the last is the nop of C's own site.

*All registers*: the stub 4; the guard against recursion 6; a frame 3; 27 general registers saved and restored, 54; LR, CTR, XER and
CR saved, and LR, XER and CR restored, 13; the way on in B 5; the call of the ops with its arguments 9, and its return. `stq` and
`lq` would take two registers each, and are not used: the ISA says itself that they may be slower than two `std` or `ld` (book I,
3.3.4), and in little-endian mode they swap the two.",
        rows: &[
            row("call/not-hooked", "not hooked", Some(2), Some(1)),
            row("call/ops/arguments", "an ops that does nothing, arguments only", Some(59), Some(50)),
            row("call/ops/registers", "an ops that does nothing, all registers", Some(107), Some(95)),
            row("call/ops/graph", "a graph ops that does nothing", Some(306), None),
            row("call/traced/function", "the tracer `function`, an event into the ring", Some(687), None),
            row("call/traced/function_graph", "the tracer `function_graph`, two events into the ring", Some(1658), Some(500)),
            row("call/patched/return-stack/1", "live patch, return-stack", Some(273), Some(24)),
            row("call/patched/livepatch-stack/1", "live patch, livepatch-stack", Some(273), None),
            row("call/patched/caller-frame/1", "live patch, caller-frame", Some(273), None),
            row("call/patched/mini-frame/1", "live patch, mini-frame", Some(273), None),
            row("call/patched/none/1", "live patch, none", Some(273), None),
            row("call/pending/return-stack", "the same while a transition is pending, return-stack", Some(280), Some(32)),
            row("call/pending/livepatch-stack", "the same while a transition is pending, livepatch-stack", Some(280), None),
            row("call/pending/caller-frame", "the same while a transition is pending, caller-frame", Some(280), None),
            row("call/pending/mini-frame", "the same while a transition is pending, mini-frame", Some(280), None),
            row("call/pending/none", "the same while a transition is pending, none", Some(280), None),
            row("call/stacked", "two patches on it", Some(273), None),
            row("call/replaced", "a patch that has replaced another", Some(273), None),
            row("call/ten-arguments", "a function of ten arguments, patched", Some(339), None),
            row("call/patched-and-ops/arguments", "live patch, and an ops that does nothing", None, None),
            row("call/patched-and-ops/registers", "live patch, and one that wants all registers", None, None),
            row("call/patched-and-ops/graph", "live patch, and a graph ops that does nothing", Some(697), None),
            row("call/patched-and-traced/function", "live patch, and the tracer `function`", Some(988), None),
        ],
    },
    ToldGroup {
        name: "company",
        title: "The same call, while others are hooked too, in instructions",
        text: "\
A hook knows its function and its ops, so it makes no difference how many others there are. Linux goes through the list of all
ops at each call. *All*: every function of the kernel that can be hooked has an ops that does nothing.",
        rows: &[
            row("call/patched/*/10", "live patch of 10 functions, *", Some(849), None),
            row("call/patched/*/100", "live patch of 100 functions, *", Some(6609), None),
            row("call/patched/*/all", "live patch of one, all others hooked, *", None, None),
        ],
    },
    ToldGroup {
        name: "hooks",
        title: "Writing to code and hooking, in instructions on one CPU",
        text: "\
*One word*: window open, store, `dcbst; sync; icbi; sync; isync`, window closed. The barriers are an instruction each and wait for
every store of the CPU. With several CPUs each synchronisation is an interrupt to every CPU that does not rest, and the
answer; see the CPUs below. Many words that change together share the barriers, and all their synchronisations.

When all functions are hooked at once nothing but three lists and a table is allocated, slots for stubs are taken 64 at a time, and
every window is open for the stubs or the sites of a page. Counted in a log of what was executed, each site takes: 8 to see that it
may be traced; 23 to be looked up; 19 for its list of ops; 16 for a slot of a stub; 11 for the head; 31 to make and keep the stub's
words; 22 to make the site's, 7 to see what it holds, and 11 to keep the new one; 34 to put the hook into the map; 27 to write the
stub, and 23 the site. The rest, some fifteen, is branches in between, and what all share: the map's table, windows, new pages of stubs.",
        rows: &[
            row("write/word", "write one word of code", Some(248), None),
            row("write/all-cpus", "the same, until every CPU executes it", None, None),
            row("write/all-cpus/each-of-100", "a hundred words at once, each", None, None),
            row("hook/one", "hook one function", Some(1_560_000), None),
            row("unhook/one", "let it go", None, None),
            row("hook/all/each", "hook all functions by one ops, each", Some(862), Some(250)),
            row("unhook/all/each", "let all go, each", None, None),
        ],
    },
    ToldGroup {
        name: "enable",
        title: "Enabling a patch, from the call to the last thread, in instructions",
        text: "\
The other threads sleep. Names are looked up, the old and the new code is scanned for what the return design cannot carry, hooks
are made, all threads are moved. *Logged*: with the messages that everybody gets on the console; Linux's figures are with its
messages in its log. A transition stops the other CPUs, which an instruction count of one CPU does not show.",
        rows: &[
            row("enable/kernel/28", "function of the kernel, 28 threads", Some(13_930_000), Some(60_000)),
            row("enable/kernel/128", "function of the kernel, 128 threads", Some(14_070_000), None),
            row("enable/kernel/1028", "function of the kernel, 1028 threads", Some(15_260_000), None),
            row("enable/module/28", "function of a module, 28 threads", Some(2_195_000), Some(60_000)),
            row("enable/module/128", "function of a module, 128 threads", Some(2_328_000), None),
            row("enable/module/1028", "function of a module, 1028 threads", Some(3_523_000), None),
            row("enable/logged/28", "function of the kernel, logged, 28 threads", Some(13_930_000), None),
            row("enable/logged/128", "function of the kernel, logged, 128 threads", Some(14_070_000), None),
            row("enable/logged/1028", "function of the kernel, logged, 1028 threads", Some(15_260_000), None),
            row("enable/100-functions", "100 functions of the kernel, 28 threads", Some(221_000_000), None),
            row("transition/28", "the transition alone, 28 threads", None, None),
            row("transition/128", "the transition alone, 128 threads", None, None),
            row("transition/1028", "the transition alone, 1028 threads", None, None),
            row("transition/each-thread", "the transition alone, each thread more", Some(1308), Some(300)),
        ],
    },
    ToldGroup {
        name: "cpus",
        title: "Enabling while all CPUs are idle",
        text: "\
In microseconds of guest time; the emulated CPUs take turns while instructions are counted, 8 ns each, so the time is that of
all of them together. Linux never completes at once with several CPUs, since an idle one counts as running: 0.71 to 1.83 s, of
which the least is shown. *Interrupts* are those that CPUs send each other: an emulated one costs a few hundred
instructions, a real one about a microsecond.",
        rows: &[
            row("cpus/1/enable", "a function of the kernel, 1 CPU, us", None, None),
            row("cpus/2/enable", "a function of the kernel, 2 CPUs, us", Some(710_000), Some(5000)),
            row("cpus/4/enable", "a function of the kernel, 4 CPUs, us", Some(710_000), Some(5000)),
            row("cpus/1/interrupts", "interrupts for it, 1 CPU", None, None),
            row("cpus/2/interrupts", "interrupts for it, 2 CPUs", None, None),
            row("cpus/4/interrupts", "interrupts for it, 4 CPUs", None, None),
            row("cpus/1/enable-100", "100 functions, 1 CPU, us", Some(10_900_000), None),
            row("cpus/2/enable-100", "100 functions, 2 CPUs, us", None, None),
            row("cpus/4/enable-100", "100 functions, 4 CPUs, us", None, None),
            row("cpus/1/interrupts-100", "interrupts for them, 1 CPU", None, None),
            row("cpus/2/interrupts-100", "interrupts for them, 2 CPUs", None, None),
            row("cpus/4/interrupts-100", "interrupts for them, 4 CPUs", None, None),
        ],
    },
    ToldGroup {
        name: "start",
        title: "Starting, in instructions",
        text: "\
From the machine's start, of which the firmware's share is small: it is QEMU's own, outside the guest. Linux: from its entry to the
first instruction of init, with a minimal initial RAM disk.",
        rows: &[
            row("start/entry-to-first-case", "from the start to the first case", Some(71_640_000), Some(3_000_000)),
            row("start/until-the-kernel", "of these before the device tree is flat", None, None),
        ],
    },
    ToldGroup {
        name: "memory",
        title: "Memory in use after the start, in bytes",
        text: "\
Everything that the kernel has taken and will not give back by itself, used or not, but for the initial RAM disk, which has the
tests' modules. Linux: 21.4 MB in use and 45.5 MB that are never free. Measured in a boot with a shell, which gives the code of
the cases to the modules before anything else; the last rows are of a boot that runs them. Not counted is what is kept free for
somebody: the heap, the stacks' memory, and next to the image 13 MB for stubs, heads of hooks and modules, which are empty yet.

Where it goes: all functions of the kernel, of Rust's `core` and `alloc` and of the crates below are there that a module can
name, called or not; each has its unwind table, its name and its lines. Those of the cases stay when their code goes. Of the
variables 0.24 MB are three stacks of the first CPU, 0.13 the log's ring. Of the page tables a root is 64 KiB, which the
processor wants, and 0.26 MB are for stacks that nobody has yet.",
        rows: &[
            row("memory/all", "all together", Some(66_900_000), Some(4 << 20)),
            row("memory/code", "code", Some(4_050_000), None),
            row("memory/constants", "constants, with the unwind tables", None, None),
            row("memory/symbols", "symbols and lines", None, None),
            row("memory/variables", "variables, with the log's ring and the device tree", None, None),
            row("memory/page-tables", "page tables", None, None),
            row("memory/heap", "heap", None, None),
            row("memory/stacks", "stacks", None, None),
            row("memory/modules", "modules", None, None),
            row("memory/with-cases", "all together in a boot that runs the cases", None, None),
            row("memory/code-of-cases", "of that, their code", None, None),
            row("image/loaded", "the image, as it is loaded", None, None),
        ],
    },
];

/// What Linux has a figure for and we have nothing that could be measured: what, Linux's figure in instructions, why.
pub(super) const NOT_HERE: &[(&str, u64, &str)] = &[
    (
        "an ops that does nothing, from a module",
        197,
        "an ops is called in the same way wherever it is: the row above",
    ),
    ("the same with all registers", 242, "as above"),
    ("kprobe on ftrace", 236, "there are no probes"),
    ("kretprobe", 787, "as above"),
    ("trap kprobe", 877, "as above"),
];

/// The table with these figures.
///
/// # Errors
/// A row has no figure, or a figure no row.
pub(super) fn fill(figures: &Figures) -> Result<Vec<Group<'_>>> {
    let mut groups = Vec::new();
    let mut used = 0;
    for told in GROUPS {
        let mut rows = Vec::new();
        for row in told.rows {
            let before = rows.len();
            for figure in figures.iter() {
                if let Some(word) = matched(row.id, &figure.id) {
                    rows.push(Row {
                        what: row.what.replace('*', word),
                        unit: &figure.unit,
                        value: figure.value,
                        linux: row.linux,
                        budget: row.budget,
                    });
                }
            }
            if rows.len() == before {
                bail!("there is no figure '{}'", row.id);
            }
        }
        used += rows.len();
        groups.push(Group {
            name: told.name,
            title: told.title,
            text: told.text,
            rows,
        });
    }
    let has_row = |id: &str| {
        let mut ids = GROUPS.iter().flat_map(|group| group.rows).map(|row| row.id);
        ids.any(|pattern| matched(pattern, id).is_some())
    };
    if let Some(stray) = figures.iter().find(|figure| !has_row(&figure.id)) {
        bail!("nobody has told what the figure '{}' is", stray.id);
    }
    if used != figures.len() {
        bail!("a figure is in two rows");
    }
    Ok(groups)
}

/// What `*` stands for when `id` has this pattern; empty when there is none in it.
fn matched<'a>(pattern: &str, id: &'a str) -> Option<&'a str> {
    let Some((before, behind)) = pattern.split_once('*') else {
        return (pattern == id).then_some("");
    };
    let word = id.strip_prefix(before)?.strip_suffix(behind)?;
    (!word.is_empty() && !word.contains('/')).then_some(word)
}

#[cfg(test)]
mod tests {
    use super::{Figures, fill, matched};

    #[test]
    fn a_star_is_one_word() {
        assert_eq!(matched("a/*/b", "a/xy/b"), Some("xy"));
        for id in ["a//b", "a/x/y/b", "a/x", "x/b", "a/b"] {
            assert_eq!(matched("a/*/b", id), None, "{id}");
        }
        assert_eq!(matched("a/b", "a/b"), Some(""));
        assert_eq!(matched("a/b", "a/bc"), None);
    }

    #[test]
    fn a_row_without_a_figure_is_an_error() {
        let error = fill(&Figures::of(&[("call/not-hooked", 1)])).unwrap_err();
        assert!(error.to_string().contains("call/ops/arguments"), "{error}");
    }
}

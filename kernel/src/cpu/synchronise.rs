//! Making changed code visible on all CPUs: `dcbst`, `sync`, `icbi` reach every cache, but what a CPU has fetched already it
//! drops only by a context synchronising event of its own (Power ISA 3.0B, book II, 1.8), which an interrupt is.

use core::sync::atomic::{AtomicU64, Ordering};

use arch::text;

use super::world::{must_be_interruptible, wait_for};
use super::{MAXIMUM, Message, count, online, send, this};
use crate::kgdb;

/// What one CPU was asked for and has done, counted.
struct Count {
    asked: AtomicU64,
    done: AtomicU64,
}

static COUNTS: [Count; MAXIMUM] = [const {
    Count {
        asked: AtomicU64::new(0),
        done: AtomicU64::new(0),
    }
}; MAXIMUM];

/// Returns when every CPU executes the instructions that are in memory now, and has done with those it had fetched before.
///
/// # Panics
/// When the caller has interrupts off while other CPUs run, and when one of them does not answer.
pub fn synchronise() {
    if count() == 1 {
        return;
    }
    must_be_interruptible();
    // Interrupted here, the caller may find itself on another CPU, which has been interrupted by that.
    let here = this().number();
    // Who rests fetches anew when that ends.
    let others = || online().filter(|cpu| cpu.number() != here && !cpu.rests());
    let mut tickets = [0; MAXIMUM];
    for cpu in others() {
        tickets[cpu.number()] = COUNTS[cpu.number()].asked.fetch_add(1, Ordering::AcqRel) + 1;
        send(cpu, Message::SYNCHRONISE);
    }
    for cpu in online().filter(|cpu| tickets[cpu.number()] != 0) {
        let ticket = tickets[cpu.number()];
        wait_for(cpu, || {
            COUNTS[cpu.number()].done.load(Ordering::Acquire) >= ticket
        });
    }
}

/// Changes code that other CPUs may be executing, by `write`, which may be called twice. When this returns every CPU executes
/// what was written, and has done with what was there before.
///
/// QEMU translates code while another CPU writes to it, and can keep the translation of what was there before: 200 changes of
/// a site that four CPUs call through are enough to see it go on, with QEMU 7.2 on all of them, with 10.0 on one. After the
/// first interrupt nobody is in the middle of a translation; a second store finds the stale ones, and they are dropped; the
/// second interrupt ends their last run. A processor needs none of that, and is not harmed.
///
/// # Panics
/// As [`synchronise`].
pub fn change_code(write: impl Fn()) {
    write();
    synchronise();
    if count() > 1 {
        write();
        synchronise();
    }
}

/// As [`change_code`] for many words, pairs of address and word: in their order, and with one synchronisation for all of them.
/// So none of them may be right only because another one is visible already.
///
/// # Safety
/// Each address is a multiple of 4 in memory that holds code, and whatever may execute there is right with the old word and
/// with the new one.
///
/// # Panics
/// As [`synchronise`].
#[allow(unsafe_code, reason = "writes instructions")]
pub unsafe fn change_words(words: &[(u64, u32)]) {
    change_code(|| {
        if kgdb::has_breakpoints() {
            // Where one stands the word goes beneath it.
            for (address, word) in words {
                if !kgdb::write_beneath(*address, *word) {
                    // SAFETY: as the caller says.
                    unsafe { text::write_word(*address, *word) }
                }
            }
        } else {
            // SAFETY: as the caller says.
            unsafe { text::write_scattered(words) }
        }
    });
}

/// In the handler of the interrupt, which has synchronised this CPU.
pub(super) fn answer() {
    let count = &COUNTS[this().number()];
    let asked = count.asked.load(Ordering::Acquire);
    count.done.fetch_max(asked, Ordering::AcqRel);
}

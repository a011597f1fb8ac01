//! The true trace of a thread that is stepped: kept by watching its calls and returns, and by nothing else.

use alloc::vec::Vec;

use arch::image;
use kernel_core::insn;

use crate::unwind::helpers::is_helper;

/// Keeps the true trace of a stepped thread.
#[derive(Default)]
pub(super) struct Witness {
    /// Return addresses of the calls that were seen, the innermost last.
    calls: Vec<u64>,
    /// Return addresses above the function in which stepping began; `None` before it began.
    outer: Option<Vec<u64>>,
    /// The instruction at the last stop.
    last: Option<u64>,
}

#[allow(unsafe_code, reason = "reads the instruction that was executed")]
pub(super) fn word_at(address: u64) -> u32 {
    // SAFETY: the stepped thread has executed it, or will now.
    unsafe { arch::text::read_word(address) }
}

impl Witness {
    /// One that needs no memory while it has no more frames than this.
    pub(super) fn with_room_for(frames: usize) -> Witness {
        Witness {
            calls: Vec::with_capacity(frames),
            ..Witness::default()
        }
    }

    /// At the first stop: what is above the function that is there.
    pub(super) fn begin(&mut self, outer: impl FnOnce() -> Vec<u64>) {
        self.outer.get_or_insert_with(outer);
    }

    /// Takes notice of the instruction that was executed since the last stop.
    pub(super) fn saw(&mut self, nip: u64) {
        let Some(last) = self.last.replace(nip) else {
            return;
        };
        let word = word_at(last);
        let went_on = nip == last + 4;
        if arch::unwind::is_call(word) {
            // A site of the classic shape calls its stub, but that does not come back. Who wants the original calls by pointer.
            let is_site = insn::is_bl(word) && image::stub_area().contains(&nip);
            if !went_on && !is_site {
                self.calls.push(last + 4);
            }
        } else if word >> 26 == 19 && word >> 1 & 0x3ff == 16 && !went_on {
            // C returns to a helper, and the helper to A.
            if self.calls.last() == Some(&nip) {
                self.calls.pop();
            }
        }
    }

    /// The true addresses: where the thread is, and all return addresses, without those of helpers.
    pub(super) fn truth(&self, nip: u64) -> impl Iterator<Item = u64> {
        let outer = self.outer.as_deref().unwrap_or_default();
        let calls = self.calls.iter().rev().chain(outer).copied();
        core::iter::once(nip).chain(calls.filter(|address| !is_helper(*address)))
    }
}

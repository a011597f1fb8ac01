//! The stubs of `return-stack`: copies of the patterns in `return_stack.S`, one for each replacement.
#![allow(
    unsafe_code,
    reason = "the patterns are assembly, and a copy of one is code that is written"
)]

use core::arch::global_asm;
use core::mem::{offset_of, size_of};
use core::ops::Range;

use kernel_core::insn::{self, R2, R12};
use kernel_core::site::toc_pointer;

use super::record::ReturnRecord;
use crate::abi::FrameHeader;
use crate::ftrace::STUB_SIZE;
use crate::text;
use crate::thread::ThreadHead;

global_asm!(
    include_str!("return_stack.S"),
    RETURN_SP = const offset_of!(ThreadHead, return_sp),
    RETURN_LIMIT = const offset_of!(ThreadHead, return_limit),
    RECORD_SIZE = const size_of::<ReturnRecord>(),
    RECORD_RETURN = const offset_of!(ReturnRecord, return_address),
    RECORD_TOC = const offset_of!(ReturnRecord, toc),
    RECORD_TOC_SAVE = const offset_of!(ReturnRecord, toc_save),
    RECORD_STACK_POINTER = const offset_of!(ReturnRecord, stack_pointer),
    TOC_SAVE = const offset_of!(FrameHeader, toc_save),
);

// `ldu` leaves r11 at the record's first word.
const _: () = assert!(offset_of!(ReturnRecord, return_address) == 0);

unsafe extern "C" {
    fn klp_return_stub();
    fn klp_return_stub_pushed();
    fn klp_return_stub_callee();
    fn klp_return_stub_helper();
    fn klp_return_stub_plain();
    fn klp_return_stub_plain_pushed();
    fn klp_return_stub_plain_callee();
    fn klp_return_stub_plain_helper();
}

/// Words in which C's address is.
const CALLEE_WORDS: usize = 3;
/// The most words of a pattern.
const MOST_WORDS: usize = STUB_SIZE as usize / 4;

/// A pattern, by its addresses in the image.
#[derive(Clone, Copy, Debug)]
struct Pattern {
    start: u64,
    pushed: u64,
    callee: u64,
    helper: u64,
}

impl Pattern {
    /// For a C of which it is known whether it only returns by itself.
    fn of(returns_by_itself: bool) -> Pattern {
        let [start, pushed, callee, helper] = if returns_by_itself {
            [
                klp_return_stub_plain as unsafe extern "C" fn(),
                klp_return_stub_plain_pushed,
                klp_return_stub_plain_callee,
                klp_return_stub_plain_helper,
            ]
        } else {
            [
                klp_return_stub as unsafe extern "C" fn(),
                klp_return_stub_pushed,
                klp_return_stub_callee,
                klp_return_stub_helper,
            ]
        }
        .map(|label| label as *const () as u64);
        Pattern {
            start,
            pushed,
            callee,
            helper,
        }
    }

    /// Its words, up to its `blr`.
    fn words(self) -> impl Iterator<Item = u32> {
        // SAFETY: code of the image.
        let words = (self.start..).step_by(4).map(|at| unsafe { text::read_word(at) });
        let mut is_over = false;
        words.take_while(move |word| !core::mem::replace(&mut is_over, *word == insn::BLR))
    }

    fn callee_index(self) -> usize {
        ((self.callee - self.start) / 4) as usize
    }

    /// Whether the words at `stub` are a copy of it, whoever's C it calls.
    fn is_at(self, stub: u64) -> bool {
        let own = self.callee_index()..self.callee_index() + CALLEE_WORDS;
        self.words().enumerate().all(|(index, word)| {
            // SAFETY: the stub area is memory of the image; a page that is in use can be read, and stubs are in no other.
            own.contains(&index) || unsafe { text::read_word(stub + 4 * index as u64) } == word
        })
    }
}

/// A stub that an address is in.
#[derive(Clone, Copy, Debug)]
pub struct ReturnStub {
    start: u64,
    pattern: Pattern,
}

impl ReturnStub {
    /// The stub that begins at `start`, if that is one of `return-stack`.
    ///
    /// # Safety
    /// `start` is where a slot of the stub area begins that is or was in use.
    pub unsafe fn at(start: u64) -> Option<ReturnStub> {
        let patterns = [false, true].map(Pattern::of);
        let pattern = patterns.into_iter().find(|pattern| pattern.is_at(start))?;
        Some(ReturnStub { start, pattern })
    }

    /// The place in the pattern that an address in the stub is a copy of.
    pub fn in_pattern(&self, address: u64) -> u64 {
        address - self.start + self.pattern.start
    }

    /// Where C returns to.
    pub fn helper(&self) -> u64 {
        self.pattern.helper - self.pattern.start + self.start
    }

    /// Where there is a record that nobody will return by yet: LR still has A's return address. r11 is where the record begins.
    pub fn pushed(&self) -> Range<u64> {
        self.pattern.pushed - self.pattern.start + self.start..self.helper()
    }

    /// The trap for a thread whose return stack has no room.
    pub fn is_full(&self, address: u64) -> bool {
        address < self.pushed().start
    }

    /// C: the entry that is called.
    pub fn callee(&self) -> u64 {
        let call = self.helper() - 4;
        // SAFETY: the stub is code.
        let target = insn::branch_target(unsafe { text::read_word(call) }, call);
        target.map_or(0, |(target, _)| target)
    }
}

/// Where in a function a stub calls it, and what it wants there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Entry {
    /// Behind the two instructions that make this TOC pointer from r12.
    Local(u64),
    /// In the first one, with its address in r12.
    Global,
}

/// The words of a stub at `stub` that calls the function at `callee`; `None` when an address does not fit.
fn stub_words(
    pattern: Pattern,
    stub: u64,
    callee: u64,
    entry: Entry,
) -> Option<heapless::Vec<u32, MOST_WORDS>> {
    let mut words: heapless::Vec<u32, MOST_WORDS> = pattern.words().collect();
    let own = words.get_mut(pattern.callee_index()..)?.get_mut(..CALLEE_WORDS)?;
    let call = stub + (pattern.helper - pattern.start) - 4;
    let (register, value, target) = match entry {
        Entry::Local(toc) => (R2, toc, callee + 8),
        Entry::Global => (R12, callee, callee),
    };
    let [high, low] = insn::load_address(register, value)?;
    own.copy_from_slice(&[high, low, insn::bl(call, target)?]);
    Some(words)
}

/// Writes a stub that nobody executes yet, for the replacement whose global entry is `callee`; false when an address does
/// not fit, and nothing is written. `returns_by_itself`: it leaves by no jump, and does not write to its caller's 24(r1).
///
/// # Safety
/// `stub` has `STUB_SIZE` bytes that are the caller's; `callee` is a function, of two instructions at least, that lives as long as the
/// stub.
pub unsafe fn write_return_stub(stub: u64, callee: u64, returns_by_itself: bool) -> bool {
    // SAFETY: the function's code.
    let first = [callee, callee + 4].map(|at| unsafe { text::read_word(at) });
    let entry = toc_pointer(callee, first).map_or(Entry::Global, Entry::Local);
    let words = stub_words(Pattern::of(returns_by_itself), stub, callee, entry);
    words.is_some_and(|words| {
        // SAFETY: the caller's bytes, not executed yet.
        unsafe { text::write_words(stub, &words) };
        true
    })
}

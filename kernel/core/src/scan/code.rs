//! The words of one function, and what can be told of them without following control.

use super::Function;
use super::decode::{Insn, decode};
use crate::insn::NOP;
use alloc::vec::Vec;

/// Larger code is not a function.
const LARGEST: usize = 1 << 20;

/// `ld r2,24(r1)`, which stands behind a call through a stub.
const RESTORE_TOC: u32 = 0xe841_0018;
/// What assemblers fill with, besides `nop`: the latter ends a group on POWER6 and later.
const FILL: [u32; 3] = [NOP, 0x6042_0000, 0x6021_0000];

/// Words of code, by index.
pub(super) struct Code {
    words: Vec<u32>,
    address: u64,
    /// The global and the local entry.
    pub(super) entries: [usize; 2],
}

impl Code {
    /// `None` when that is no function's code.
    pub(super) fn new(function: &Function<'_>) -> Option<Code> {
        let chunks = function.code.chunks_exact(4);
        let local = usize::from(function.local_entry);
        let whole = chunks.remainder().is_empty() && local % 4 == 0;
        if !whole || function.code.len() > LARGEST || local >= function.code.len() {
            return None;
        }
        let word = |chunk: &[u8]| {
            chunk
                .iter()
                .rev()
                .fold(0, |word, byte| word << 8 | u32::from(*byte))
        };
        let mut words: Vec<u32> = chunks.map(word).collect();
        if let Some(site) = function.site {
            *words.get_mut(site as usize / 4)? = NOP;
        }
        Some(Code {
            words,
            address: function.address,
            entries: [0, local / 4],
        })
    }

    /// How many words there are.
    pub(super) fn len(&self) -> usize {
        self.words.len()
    }

    /// The instruction at `index`, which must be below [`Code::len`], and how many words it takes.
    pub(super) fn insn(&self, index: usize) -> (Insn, usize) {
        decode(self.words[index], self.words.get(index + 1).copied())
    }

    /// The word at `index`, 0 behind the end.
    pub(super) fn word(&self, index: usize) -> u32 {
        self.words.get(index).copied().unwrap_or(0)
    }

    /// The index that is `distance` bytes from `index`, if it is in this function.
    pub(super) fn inside(&self, index: usize, distance: i64) -> Option<usize> {
        let target = (index as i64 * 4).checked_add(distance)?;
        let target = usize::try_from(target).ok()? / 4;
        (target < self.words.len()).then_some(target)
    }

    /// The address that is `distance` bytes from `index`.
    pub(super) fn address(&self, index: usize, distance: i64) -> u64 {
        let here = self.address.wrapping_add(index as u64 * 4);
        here.wrapping_add_signed(distance)
    }

    /// The targets of a jump table that stands at `start`: in each word the distance from the table's own start. The table
    /// ends at the latest where the first of its targets begins. Empty when there is none.
    pub(super) fn jump_table(&self, start: usize) -> Vec<usize> {
        let mut targets = Vec::new();
        let mut end = self.words.len();
        for index in start..self.words.len() {
            let distance = i64::from(self.word(index) as i32);
            let target = self.inside(start, distance).filter(|_| distance % 4 == 0);
            match target {
                Some(target) if index < end && !(start..=index).contains(&target) => {
                    if target > index {
                        end = end.min(target);
                    }
                    targets.push(target);
                }
                _ => break,
            }
        }
        // One case is an `if`.
        if targets.len() < 2 { Vec::new() } else { targets }
    }

    /// The call that ends directly in front of `index`, its `nop` or TOC restore included.
    pub(super) fn call_before(&self, index: usize) -> Option<usize> {
        let before = self.words.get(..index)?;
        let call = before
            .iter()
            .rposition(|word| !FILL.contains(word) && *word != RESTORE_TOC)?;
        self.insn(call).0.is_call().then_some(call)
    }

    /// Whether the word at `index` only fills space: it follows what control does not pass.
    pub(super) fn is_fill(&self, index: usize) -> bool {
        FILL.contains(&self.word(index)) || self.word(index) == RESTORE_TOC
    }
}

impl Insn {
    /// Whether it sets LR and comes back, unless the callee does not.
    pub(super) fn is_call(self) -> bool {
        matches!(
            self,
            Insn::Branch { link: true, .. }
                | Insn::BranchToLr { link: true, .. }
                | Insn::BranchToCtr { link: true, .. }
        )
    }
}

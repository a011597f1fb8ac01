//! Branches: which way each takes, and what becomes of the word behind a call.
//!
//! | the branch, in code with a TOC | callee here | callee elsewhere |
//! |---|---|---|
//! | `bl; nop` | its local entry | stub that keeps r2, `nop` → `ld r2,24(r1)` |
//! | `bl` alone | its local entry | plain stub if the callee keeps r2, otherwise an error |
//! | `b`, a tail call | its local entry | stub that keeps r2 |
//! | `bc` | its local entry | an error: nobody could reach it |
//!
//! The kernel is "elsewhere", always: no module shares its TOC. A callee that "keeps r2" says so in `st_other`, and a live
//! patch of it has to keep that promise. In pc-relative code nobody's r2 matters, so its stubs are plain, and needed only
//! for callees elsewhere and for callees with a TOC, which want r12.

use super::file::{ModuleFile, Relocation};
use super::relocation::{Field, Howto, Value, name, word_text};
use super::{ModuleError, StubKind};
use crate::insn::NOP;
use crate::local_entry::LocalEntry;
use alloc::borrow::ToOwned;

/// The way of a branch to its callee.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Route {
    /// Straight to the callee, so many bytes behind its global entry.
    Direct(u8),
    /// Through a stub.
    Stub(StubKind),
}

/// Kinds of branch instruction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Branch {
    /// `bl`, and whether a `nop` follows.
    Call { nop: bool },
    /// `b` and `bc`.
    Jump,
}

impl ModuleFile<'_> {
    /// The stub that a relocation needs, if it needs one.
    pub(super) fn stub_kind(&self, relocation: &Relocation) -> Result<Option<StubKind>, ModuleError> {
        let is_call = |howto: Howto| matches!(howto.value, Value::Call | Value::CallWithoutToc);
        if !Howto::of(relocation.kind).is_some_and(is_call) || self.is_mcount_call(relocation) {
            return Ok(None);
        }
        match self.route(relocation)? {
            Route::Stub(kind) => Ok(Some(kind)),
            Route::Direct(_) => Ok(None),
        }
    }

    /// The way of a branch. It does not depend on who will resolve the callee, so that stubs can be counted first.
    pub(super) fn route(&self, relocation: &Relocation) -> Result<Route, ModuleError> {
        let branch = self.branch(relocation)?;
        let symbol = &self.symbols[relocation.symbol];
        let external = self.is_external(relocation.symbol);
        let howto = Howto::of(relocation.kind);
        let with_toc = howto.is_some_and(|howto| howto.value == Value::Call);
        let route = match (external, with_toc, symbol.local_entry, branch) {
            (true, true, _, Branch::Call { nop: false }) => Route::Stub(StubKind::Plain),
            (true, true, _, _) => Route::Stub(StubKind::SaveToc),
            (true, false, _, _) => Route::Stub(StubKind::Plain),
            (false, true, LocalEntry::SameClobbersToc, Branch::Call { nop: false }) => {
                return Err(self.missing_nop(relocation));
            }
            (false, true, LocalEntry::SameClobbersToc, _) => Route::Stub(StubKind::SaveToc),
            (false, true, entry, _) => Route::Direct(entry.offset()),
            (false, false, LocalEntry::Behind(_), _) => Route::Stub(StubKind::Plain),
            (false, false, _, _) => Route::Direct(0),
        };
        if matches!(route, Route::Stub(_)) {
            if howto.is_some_and(|howto| howto.field == Field::Branch14) {
                return Err(ModuleError::ConditionalCall {
                    place: self.place(relocation),
                    symbol: self.symbol_name(symbol).to_owned(),
                });
            }
            if relocation.addend != 0 {
                return Err(self.bad_relocation(
                    relocation,
                    "r_addend",
                    relocation.addend as u64,
                    "0 for a call through a stub",
                ));
            }
        }
        Ok(route)
    }

    /// Whether the word behind a call through a stub has to become the TOC restore.
    pub(super) fn wants_restore(&self, relocation: &Relocation) -> Result<bool, ModuleError> {
        Ok(self.branch(relocation)? == Branch::Call { nop: true })
    }

    pub(super) fn missing_nop(&self, relocation: &Relocation) -> ModuleError {
        let section = &self.sections[relocation.section];
        let after = relocation
            .offset
            .checked_add(4)
            .and_then(|offset| section.word(offset));
        ModuleError::MissingNop {
            place: self.place(relocation),
            symbol: self.symbol_name(&self.symbols[relocation.symbol]).to_owned(),
            after: word_text(after),
        }
    }

    fn branch(&self, relocation: &Relocation) -> Result<Branch, ModuleError> {
        let section = &self.sections[relocation.section];
        if relocation.offset % 4 != 0 {
            return Err(self.bad_relocation(
                relocation,
                "r_offset",
                relocation.offset,
                "a multiple of 4 for a branch",
            ));
        }
        let word = section.word(relocation.offset).unwrap_or(0);
        let conditional = Howto::of(relocation.kind).is_some_and(|howto| howto.field == Field::Branch14);
        let opcode = if conditional { 16 } else { 18 };
        // Bit 1 makes the target absolute, which no relocation of this family means.
        if word >> 26 != opcode || word & 2 != 0 {
            let place = self.place(relocation);
            return Err(ModuleError::NotABranch {
                name: name(relocation.kind),
                place,
                word,
            });
        }
        let after = relocation
            .offset
            .checked_add(4)
            .and_then(|offset| section.word(offset));
        Ok(if word & 1 != 0 {
            Branch::Call {
                nop: after == Some(NOP),
            }
        } else {
            Branch::Jump
        })
    }

    /// An error about one field of a relocation.
    pub(super) fn bad_relocation(
        &self,
        relocation: &Relocation,
        field: &'static str,
        found: u64,
        expected: &'static str,
    ) -> ModuleError {
        let section = self.sections[relocation.section].name.to_owned();
        ModuleError::Relocation {
            section,
            index: relocation.index,
            field,
            found,
            expected,
        }
    }
}

//! Who calls whom, with a TOC and without: the table in `call.rs`, call by call.

use crate::kernel::{BASE, Read as _, link, linked};
use crate::tools::assembly;
use kernel_core::insn;
use kernel_core::module::{ModuleError, ModuleFile, StubKind};

/// `ld r2,24(r1)`
const RESTORE: u32 = 0xe841_0018;

/// Callees of all three kinds, 16 bytes each, and behind them one caller.
const CALLEES: &str = "
    .type with_toc, @function
with_toc: addis 2,12,.TOC.-with_toc@ha
    addi 2,2,.TOC.-with_toc@l
    .localentry with_toc, .-with_toc
    nop
    blr
    .type changes, @function
changes: .localentry changes, 1
    li 2,0
    nop
    nop
    blr
    .type keeps, @function
keeps: nop
    nop
    nop
    blr
";
const WITH_TOC: u64 = BASE;
const CHANGES: u64 = BASE + 16;
const KEEPS: u64 = BASE + 32;
const CALLER: u64 = BASE + 48;

/// Where the call in `code`, a caller's first instruction, goes: to an address, or through a stub of a kind to one.
#[derive(Debug, PartialEq, Eq)]
enum Way {
    To(u64),
    Through(StubKind, u64),
}

use Way::{Through, To};

/// The way of the call, and the word behind it.
fn way(code: &str) -> (Way, u32) {
    let linked = linked(&assembly(&format!("{CALLEES}{code}")));
    let target = linked.target(CALLER);
    let stub = linked.stubs.iter().find(|stub| stub.address == target);
    let way = stub.map_or(To(target), |stub| Through(stub.kind, stub.target));
    (way, linked.word(CALLER + 4))
}

#[test]
fn a_caller_with_a_toc() {
    let called = |name| way(&format!("bl {name}\n nop\n blr"));
    assert_eq!(called("with_toc"), (To(WITH_TOC + 8), insn::NOP));
    assert_eq!(called("keeps"), (To(KEEPS), insn::NOP));
    assert_eq!(called("changes"), (Through(StubKind::SaveToc, CHANGES), RESTORE));
    for elsewhere in ["other", "keeps_toc", "changes_toc"] {
        let (way, behind) = called(elsewhere);
        assert!(
            matches!(way, Through(StubKind::SaveToc, _)),
            "{elsewhere}: {way:?}"
        );
        assert_eq!(behind, RESTORE, "{elsewhere}");
    }
}

#[test]
fn a_caller_with_a_toc_and_no_nop() {
    let called = |name| format!("{CALLEES} bl {name}\n blr");
    for name in ["changes", "other", "changes_toc"] {
        let error = link(&assembly(&called(name))).unwrap_err();
        assert!(matches!(error, ModuleError::MissingNop { .. }), "{name}: {error}");
    }
    assert_eq!(way("bl with_toc\n blr"), (To(WITH_TOC + 8), insn::BLR));
    let (way, behind) = way("bl keeps_toc\n blr");
    assert!(matches!(way, Through(StubKind::Plain, _)), "{way:?}");
    assert_eq!(behind, insn::BLR);
}

#[test]
fn a_pc_relative_caller() {
    let called = |name| way(&format!("bl {name}@notoc\n nop\n blr"));
    assert_eq!(
        called("with_toc"),
        (Through(StubKind::Plain, WITH_TOC), insn::NOP)
    );
    assert_eq!(called("changes"), (To(CHANGES), insn::NOP));
    assert_eq!(called("keeps"), (To(KEEPS), insn::NOP));
    for elsewhere in ["other", "keeps_toc", "changes_toc"] {
        let (way, behind) = called(elsewhere);
        assert!(matches!(way, Through(StubKind::Plain, _)), "{elsewhere}: {way:?}");
        assert_eq!(behind, insn::NOP, "the nop behind is the caller's own");
    }
}

#[test]
fn pc_relative_code_is_known_by_what_it_has() {
    let is = |source: &str| ModuleFile::parse(&assembly(source)).unwrap().is_pc_relative();
    assert!(is(CALLEES), "st_other");
    assert!(
        is("f: pld 3,v@pcrel\n blr\n .data\nv: .quad 0"),
        "a prefixed instruction"
    );
    assert!(!is("f: bl other\n nop\n blr"));
}

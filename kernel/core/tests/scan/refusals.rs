//! What each return design refuses, and in which words; on code in assembly, where the compilers have none of it.

use crate::binary::Binary;
use crate::tools;
use kernel_core::scan::{DesignLimits, Facts, Function, Reason, Target, refusal, scan};

const MINI_FRAME: DesignLimits = DesignLimits {
    name: "mini-frame",
    moves_stack_arguments: Some(32),
    needs_toc_save: true,
    needs_reserved_word: false,
    needs_toc_pointer: false,
    one_record_a_frame: false,
};

const CALLER_FRAME: DesignLimits = DesignLimits {
    name: "caller-frame",
    moves_stack_arguments: None,
    needs_toc_save: true,
    needs_reserved_word: true,
    needs_toc_pointer: true,
    one_record_a_frame: true,
};

const LIVEPATCH_STACK: DesignLimits = DesignLimits {
    name: "livepatch-stack",
    moves_stack_arguments: None,
    needs_toc_save: true,
    needs_reserved_word: false,
    needs_toc_pointer: false,
    one_record_a_frame: false,
};

const RETURN_STACK: DesignLimits = DesignLimits {
    name: "return-stack",
    moves_stack_arguments: None,
    needs_toc_save: false,
    needs_reserved_word: false,
    needs_toc_pointer: false,
    one_record_a_frame: false,
};

/// Functions, and a stub that stores r2, as the kernel's loader and linkers write it.
const CODE: &str = r#"
    .abiversion 2
    .macro function name
    .globl \name
    .type \name, @function
\name:
    .endm
    .macro done name
    .size \name, . - \name
    .endm

    function plain
    addi  3, 3, 1
    blr
    done plain

    function ten
    ld    0, 96(1)
    ld    11, 104(1)
    add   3, 0, 11
    blr
    done ten

    function leaves_to_ten
    addi  3, 3, 1
    b     ten
    done leaves_to_ten

    function leaves_twice
    b     leaves_to_ten
    done leaves_twice

    function variadic
    std   4, 40(1)
    std   5, 48(1)
    addi  3, 1, 40
    blr
    done variadic

    function stub
    std   2, 24(1)
    lis   12, plain@h
    ori   12, 12, plain@l
    mtctr 12
    bctr
    done stub

    function leaves_through_stub
    mflr  0
    std   0, 16(1)
    stdu  1, -48(1)
    addi  1, 1, 48
    ld    0, 16(1)
    mtlr  0
    b     stub
    done leaves_through_stub

    function to_leaves_through_stub
    b     leaves_through_stub
    done to_leaves_through_stub

    function leaves_to_plain
    beq   plain
    blr
    done leaves_to_plain

    function calls_through_stub
    mflr  0
    std   0, 16(1)
    stdu  1, -48(1)
    bl    stub
    ld    2, 24(1)
    addi  1, 1, 48
    ld    0, 16(1)
    mtlr  0
    blr
    done calls_through_stub

    function writes_toc_save
    std   2, 24(1)
    blr
    done writes_toc_save

    function saves_cr_as_doubleword
    mfcr  12
    std   12, 8(1)
    stdu  1, -48(1)
    addi  1, 1, 48
    ld    12, 8(1)
    mtcrf 8, 12
    blr
    done saves_cr_as_doubleword

    function saves_cr
    mfcr  12
    stw   12, 8(1)
    stdu  1, -48(1)
    ld    1, 0(1)
    lwz   12, 8(1)
    mtcrf 8, 12
    blr
    done saves_cr

    function jumps
    mr    12, 3
    mtctr 12
    bctr
    done jumps

    function grows
    mr    31, 1
    neg   3, 3
    stdux 1, 1, 3
    ld    1, 0(1)
    blr
    done grows

    function switches
    std   1, 0(3)
    ld    1, 0(4)
    blr
    done switches

    function branches_with_frame
    stdu  1, -64(1)
    b     plain
    done branches_with_frame

    function not_code
    .long 0
    blr
    done not_code

    function leaves_nowhere
    b     . + 0x100000
    done leaves_nowhere

    # POWER10: the frame is opened as ever, the tenth argument read with a prefix.
    function ten_prefixed
    stdu  1, -48(1)
    pld   3, 152(1)
    paddi 4, 1, 160
    addi  1, 1, 48
    blr
    done ten_prefixed
"#;

fn code() -> Binary {
    Binary::image(tools::assembled(CODE))
}

fn facts(image: &Binary, name: &str) -> Facts {
    let find = |name: &str| {
        image
            .functions
            .values()
            .find(|symbol| symbol.name == name)
            .expect("a function")
    };
    let stub = find("stub");
    scan(&image.code(find(name)), &|address| match image.at(address) {
        Some(symbol) if symbol.name == stub.name => Target::Stub {
            saves_toc: true,
            to: Some(image.code(find("plain"))),
        },
        Some(symbol) => Target::Function(image.code(symbol)),
        None => Target::Unknown,
    })
}

/// What a design says to a patch of `plain` by `new`, and of `new` by `plain`.
fn said(image: &Binary, limits: &DesignLimits, new: &str) -> [Option<String>; 2] {
    let (plain, new) = (facts(image, "plain"), facts(image, new));
    [(&plain, &new), (&new, &plain)]
        .map(|(old, new)| refusal(limits, old, new).map(|refusal| refusal.to_string()))
}

#[test]
fn stack_arguments_bear_no_frame_in_between() {
    let image = code();
    let [new, old] = said(&image, &MINI_FRAME, "ten");
    let text = "takes 2 stack arguments (first at +0x0): mini-frame would shift them by 32 bytes, as those of every function \
                with more than 8 integer arguments or a large struct by value";
    assert_eq!(new, Some(format!("the new code {text}")));
    assert_eq!(old, Some(format!("the old code {text}")));
    for name in ["leaves_to_ten", "leaves_twice"] {
        let [new, _] = said(&image, &MINI_FRAME, name);
        let new = new.expect("a refusal");
        assert!(
            new.contains("takes 2 stack arguments (first at +") && new.contains(", behind a sibling call)"),
            "{new}"
        );
    }
    let [prefixed, _] = said(&image, &MINI_FRAME, "ten_prefixed");
    assert!(prefixed.is_some_and(|text| text.contains("takes at least 2 stack arguments (first at +0x4)")));
    for limits in [LIVEPATCH_STACK, RETURN_STACK] {
        assert_eq!(
            said(&image, &limits, "leaves_to_ten"),
            [None, None],
            "{}",
            limits.name
        );
    }
}

#[test]
fn spills_bear_no_frame_in_between() {
    let image = code();
    let [new, _] = said(&image, &MINI_FRAME, "variadic");
    assert_eq!(
        new.as_deref(),
        Some(
            "the new code spills 2 argument registers into its caller's frame (first at +0x0), as variadic functions do: \
             mini-frame would have them 32 bytes too low, over A's frame header"
        )
    );
    assert_eq!(said(&image, &CALLER_FRAME, "variadic"), [None, None]);
}

#[test]
fn a_stub_that_stores_r2_hurts_all_but_return_stack() {
    let image = code();
    for limits in [MINI_FRAME, CALLER_FRAME, LIVEPATCH_STACK] {
        for (name, at) in [
            ("leaves_through_stub", "+0x18"),
            ("to_leaves_through_stub", "+0x0, behind a sibling call"),
        ] {
            let [new, old] = said(&image, &limits, name);
            let text = format!(
                "the new code leaves by a sibling call ({at}) through a stub that stores r2 at 24(r1): {} needs that word as it \
                 was",
                limits.name
            );
            assert_eq!(new, Some(text));
            assert_eq!(old, None, "the old code is not entered with a record");
        }
        let [new, _] = said(&image, &limits, "writes_toc_save");
        assert!(new.is_some_and(|text| text.contains("writes its caller's 24(r1) (+0x0)")));
        assert_eq!(
            said(&image, &limits, "calls_through_stub"),
            [None, None],
            "its own frame's word"
        );
    }
    for name in ["leaves_through_stub", "to_leaves_through_stub", "writes_toc_save"] {
        assert_eq!(said(&image, &RETURN_STACK, name), [None, None]);
    }
}

#[test]
fn caller_frame_bears_no_second_record_and_no_wide_cr_save() {
    let image = code();
    let [new, _] = said(&image, &CALLER_FRAME, "leaves_to_plain");
    assert!(new.is_some_and(|text| {
        text.contains("leaves by a sibling call (+0x0): caller-frame has one record a frame")
    }));
    let [new, _] = said(&image, &CALLER_FRAME, "saves_cr_as_doubleword");
    assert!(new.is_some_and(|text| {
        text.contains("writes the reserved word at 12(r1) of its caller's frame (+0x4)")
    }));
    assert_eq!(said(&image, &CALLER_FRAME, "saves_cr"), [None, None]);
    for limits in [MINI_FRAME, LIVEPATCH_STACK, RETURN_STACK] {
        for name in ["leaves_to_plain", "saves_cr_as_doubleword", "saves_cr"] {
            assert_eq!(
                said(&image, &limits, name),
                [None, None],
                "{} {name}",
                limits.name
            );
        }
    }
}

#[test]
fn what_is_not_understood_is_refused_by_who_needs_to_know() {
    let image = code();
    let cases = [
        ("jumps", Reason::IndirectBranch, "+0x8"),
        ("switches", Reason::StackPointerLost, "+0x4"),
        ("branches_with_frame", Reason::LeavesWithFrame, "+0x4"),
        ("not_code", Reason::UnknownInstruction(0), "+0x0"),
        ("leaves_nowhere", Reason::UnknownSibling, "+0x0"),
    ];
    for (name, reason, at) in cases {
        let undecided = facts(&image, name).undecided;
        let found = undecided
            .iter()
            .any(|found| found.reason == reason && found.at.to_string() == at);
        assert!(found, "{name}: {undecided:?}");
        for limits in [MINI_FRAME, CALLER_FRAME, LIVEPATCH_STACK] {
            let [new, _] = said(&image, &limits, name);
            assert!(new.is_some(), "{} {name}", limits.name);
        }
        assert_eq!(said(&image, &RETURN_STACK, name), [None, None], "{name}");
    }
    let [new, _] = said(&image, &MINI_FRAME, "switches");
    assert_eq!(
        new.as_deref(),
        Some(
            "the new code is not understood (+0x4): r1 is set to something that cannot be followed, and mini-frame cannot carry \
             every function"
        )
    );
    let [new, _] = said(&image, &MINI_FRAME, "grows");
    assert_eq!(
        new.as_deref(),
        Some(
            "the new code has a frame whose size is not in the code (+0x8): that it takes no stack arguments, which mini-frame \
             would shift, cannot be told"
        )
    );
    assert_eq!(said(&image, &LIVEPATCH_STACK, "grows"), [None, None]);
}

/// A hooked site is a branch to somewhere; the scan reads the `nop` that stood there.
#[test]
fn a_site_in_use_is_no_sibling_call() {
    let words = [0x4800_1000u32, 0x4e80_0020].map(u32::to_le_bytes).concat();
    let at = |site| {
        let function = Function {
            address: 0x40_0000,
            code: &words,
            local_entry: 0,
            site,
        };
        scan(&function, &|_| Target::Unknown)
    };
    assert_eq!(at(Some(0)), Facts::default());
    assert_eq!(at(None).sibling_calls.len(), 1);
}

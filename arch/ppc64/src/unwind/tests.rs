//! What compilers write is understood at every instruction; what they do not is not guessed at.

use kernel_core::insn::{
    BCTR, BLR, NOP, R0, R1, R2, R12, addi, b, bl, ld, lis, mflr, mtctr, mtlr, std, stdu,
};

use super::ReturnAddress::{LinkRegister, Saved};
use super::*;

const START: u64 = 0x40_0000;
/// Where hooks branch to.
const STUB: u64 = 0x50_0000;
/// Some other function.
const OTHER: u64 = 0x48_0000;

/// What is known before each instruction: the frame's size and where the return address is; `None`: nothing.
fn states(code: &[u32]) -> Vec<Option<(u64, ReturnAddress)>> {
    let function = START..START + 4 * code.len() as u64;
    let word = |at: u64| code[((at - START) / 4) as usize];
    let at = |index: usize| START + 4 * index as u64;
    let state = |index| frame_state(&function, at(index), word, |target| target == STUB);
    let states = (0..code.len()).map(state);
    states
        .map(|state| state.map(|state| (state.frame_size, state.return_address)))
        .collect()
}

/// `bc 12,2,distance`: branches if equal.
fn beq(distance: i16) -> u32 {
    16 << 26 | 12 << 21 | 2 << 16 | u32::from(distance as u16)
}

fn branch(index: u64, target: u64) -> u32 {
    b(START + 4 * index, target).unwrap()
}

fn call(index: u64) -> u32 {
    bl(START + 4 * index, OTHER).unwrap()
}

const LEAF: Option<(u64, ReturnAddress)> = Some((0, LinkRegister));

fn framed(size: u64, return_address: ReturnAddress) -> Option<(u64, ReturnAddress)> {
    Some((size, return_address))
}

#[test]
fn a_leaf_has_its_return_address_in_lr() {
    assert_eq!(states(&[lis(R2, 1), addi(R2, R2, 8), NOP, BLR]), [LEAF; 4]);
}

#[test]
fn prologue_and_epilogue_are_known_at_every_instruction() {
    let code = [
        mflr(R0),
        stdu(R1, -64, R1),
        std(R0, 80, R1),
        call(3),
        addi(R1, R1, 64),
        ld(R0, 16, R1),
        mtlr(R0),
        BLR,
    ];
    assert_eq!(
        states(&code),
        [
            LEAF,
            LEAF,
            framed(64, LinkRegister),
            framed(64, LinkRegister),
            framed(64, Saved),
            framed(0, Saved),
            framed(0, Saved),
            LEAF,
        ]
    );
}

#[test]
fn the_other_compilers_order_is_as_good() {
    let code = [
        mflr(R0),
        std(R0, 16, R1),
        stdu(R1, -32, R1),
        call(3),
        ld(R1, 0, R1),
        ld(R0, 16, R1),
        mtlr(R0),
        branch(7, OTHER),
    ];
    let states = states(&code);
    assert_eq!(states[2..5], [LEAF, framed(32, LinkRegister), framed(32, Saved)]);
    assert_eq!(states[5..], [framed(0, Saved), framed(0, Saved), LEAF]);
}

#[test]
fn what_holds_on_one_path_only_does_not_hold() {
    let code = [
        mflr(R0),
        stdu(R1, -64, R1),
        std(R0, 80, R1),
        beq(8),
        call(4),
        // Reached with and without the call before.
        NOP,
        addi(R1, R1, 64),
        ld(R0, 16, R1),
        mtlr(R0),
        BLR,
    ];
    let states = states(&code);
    assert_eq!(states[4], framed(64, LinkRegister));
    assert_eq!(states[5], framed(64, Saved));
}

#[test]
fn a_frame_that_only_some_paths_have_ends_before_they_meet() {
    let code = [
        beq(4 * 8),
        mflr(R0),
        stdu(R1, -64, R1),
        std(R0, 80, R1),
        call(4),
        addi(R1, R1, 64),
        ld(R0, 16, R1),
        mtlr(R0),
        // Here they meet: the save slot was written on one of them only.
        NOP,
        BLR,
    ];
    assert_eq!(states(&code)[8..], [LEAF, LEAF]);
}

#[test]
fn loops_end_and_what_is_behind_a_jump_is_reached_by_its_own_way() {
    let code = [
        beq(12),
        NOP,
        branch(2, START),
        branch(3, START + 24),
        NOP,
        NOP,
        BLR,
    ];
    let states = states(&code);
    assert_eq!(states[..4], [LEAF; 4]);
    assert_eq!(states[4..6], [None, None]);
    assert_eq!(states[6], LEAF);
}

#[test]
fn a_jump_table_leads_to_what_nothing_else_leads_to() {
    let code = [
        mflr(R0),
        stdu(R1, -32, R1),
        std(R0, 48, R1),
        mtctr(R12),
        BCTR,
        call(5),
        addi(R1, R1, 32),
        BLR,
    ];
    assert_eq!(states(&code)[5..7], [framed(32, LinkRegister), framed(32, Saved)]);
}

#[test]
fn a_hook_stands_for_a_nop() {
    let jump = [branch(0, STUB), mflr(R0), BLR];
    assert_eq!(states(&jump), [LEAF; 3]);
    let call = [mflr(R0), bl(START + 4, STUB).unwrap(), std(R0, 16, R1), BLR];
    assert_eq!(states(&call), [LEAF; 4]);
    // Any other function is left for good, or called.
    assert_eq!(states(&[branch(0, OTHER), NOP]), [LEAF, None]);
}

/// `paddi r1,r1,immediate`, and `pstd`, `pld` of r0 at `displacement(r1)`.
fn add_to_stack_pointer(immediate: i32) -> [u32; 2] {
    [
        0x0600_0000 | (immediate >> 16) as u32 & 0x3_ffff,
        0x3821_0000 | immediate as u16 as u32,
    ]
}

fn far(opcode: u32, displacement: i32) -> [u32; 2] {
    [
        0x0400_0000 | (displacement >> 16) as u32 & 0x3_ffff,
        opcode << 26 | 1 << 16 | displacement as u16 as u32,
    ]
}

#[test]
fn prefixed_instructions_take_two_words_and_are_followed() {
    const SIZE: i32 = 0xc000;
    let [add, more] = add_to_stack_pointer(SIZE);
    let [store, stored] = far(61, SIZE + 16);
    let [load, loaded] = far(57, SIZE + 16);
    // pli r0,1: what r0 held is gone; its second word reads as `addi r0,r0,1`.
    let [immediate, one] = [0x0600_0000, 0x3800_0001];
    let code = [
        mflr(R0),
        stdu(R1, -0x6000, R1),
        stdu(R1, -0x6000, R1),
        store,
        stored,
        immediate,
        one,
        call(7),
        load,
        loaded,
        mtlr(R0),
        add,
        more,
        BLR,
    ];
    let open = |return_address| framed(SIZE as u64, return_address);
    let states = states(&code);
    assert_eq!(states[3], open(LinkRegister));
    assert_eq!(states[4], None, "no instruction begins there");
    assert_eq!(states[5], open(LinkRegister));
    assert_eq!(states[7], open(LinkRegister));
    assert_eq!(states[8], open(Saved));
    assert_eq!(states[10], open(Saved));
    assert_eq!(states[11], open(LinkRegister));
    assert_eq!(states[13], LEAF);
}

#[test]
fn a_jump_table_does_not_lead_into_a_prefixed_instruction() {
    // The second word alone would close a frame that is not there.
    let [first, second] = add_to_stack_pointer(0);
    let code = [mtctr(R12), BCTR, first, second, BLR];
    assert_eq!(states(&code)[2..], [LEAF, None, LEAF]);
    let [first, second] = add_to_stack_pointer(-0x40);
    let code = [mtctr(R12), BCTR, first, second, call(4), first, second, BLR];
    assert_eq!(states(&code)[4], framed(0x40, LinkRegister));
}

#[test]
fn a_prefixed_instruction_that_moves_the_stack_pointer_elsewhere_is_not_understood() {
    // pli r1,0; pld r1,0(r1); paddi r1,r1,16: above the caller's frame; half of one at the end.
    for strange in [
        [0x0600_0000, 0x3820_0000],
        [0x0400_0000, 0xe421_0000],
        add_to_stack_pointer(16),
    ] {
        assert_eq!(
            states(&[strange[0], strange[1], BLR])[2],
            None,
            "{strange:#010x?}"
        );
    }
    assert_eq!(states(&[NOP, 0x0600_0000]), [LEAF, LEAF]);
}

#[test]
fn what_is_not_understood_is_not_known() {
    for strange in [
        ld(R1, 16, R12),
        stdu(R1, -16, R1),
        stdu(R0, -64, R1),
        addi(R1, R12, 0),
    ] {
        assert_eq!(states(&[strange, BLR]), [LEAF, None], "{strange:#010x}");
    }
    // The return address is nowhere.
    assert_eq!(states(&[call(0), NOP]), [LEAF, None]);
    let too_long = vec![NOP; 8192];
    let function = START..START + 4 * too_long.len() as u64;
    assert_eq!(frame_state(&function, START, |_| NOP, |_| false), None);
}

#[test]
fn calls_are_told_from_jumps() {
    assert!(is_call(call(0)) && is_call(kernel_core::insn::BCTRL) && is_call(BLR | 1));
    assert!(!is_call(branch(0, OTHER)) && !is_call(BCTR) && !is_call(BLR) && !is_call(beq(8)));
}

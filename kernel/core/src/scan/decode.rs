//! The Power instructions that compilers emit, reduced to what the scan follows: registers that get a new value, memory
//! that is reached, and where control goes.
//!
//! Every form that can write a general purpose register or change the flow is named; a word that is none of them is
//! [`Insn::Unknown`], never guessed at. Fields and extended opcodes: Power ISA 3.1, appendix F.

/// The number of a general purpose register, 0 to 31.
pub(super) type Gpr = usize;

/// What an instruction does, as far as the scan cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Insn {
    /// No general purpose register changes, no memory is reached that could be somebody's: `nop`, compares, barriers.
    Nothing,
    /// `to` gets a value that is not followed.
    Computes { to: Gpr },
    /// `addi`, `addis`, `paddi`; `from` is `None` for `li` and `lis`.
    AddImmediate {
        to: Gpr,
        from: Option<Gpr>,
        immediate: i64,
    },
    /// `ori` and `oris`.
    OrImmediate { to: Gpr, from: Gpr, immediate: i64 },
    /// `add`.
    Add { to: Gpr, left: Gpr, right: Gpr },
    /// `subf`: `to` = `from` - `amount`.
    Subtract { to: Gpr, from: Gpr, amount: Gpr },
    /// `mr`.
    Copy { to: Gpr, from: Gpr },
    /// `clrrdi`: low bits are cleared, which is how addresses are aligned.
    Align { to: Gpr, from: Gpr },
    /// A load or a store.
    Memory(Memory),
    /// `mtctr`.
    ToCtr { from: Gpr },
    /// `b`, `bc` and their forms that set LR. The distance is from the instruction itself.
    Branch {
        distance: i64,
        link: bool,
        conditional: bool,
    },
    /// `ba` and the like: to an address that no function of this kernel has.
    AbsoluteBranch,
    /// `blr`.
    BranchToLr { link: bool, conditional: bool },
    /// `bctr`, `bctrl`.
    BranchToCtr { link: bool, conditional: bool },
    /// `sc` with any level: firmware and hypervisor keep what a callee keeps.
    SystemCall,
    /// Control goes where no instruction says: `rfid`, `hrfid`, `bctar` and the like.
    Leaves,
    /// The unconditional `trap`: nothing follows it.
    Trap,
    /// Not known here.
    Unknown,
}

/// A load or a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Memory {
    /// Whether it stores. `dcbz` does, too.
    pub(super) store: bool,
    /// The general purpose registers that are loaded or stored: the first, and how many.
    pub(super) register: Gpr,
    /// 0 for floating point and vector registers.
    pub(super) registers: usize,
    /// `None` is the address 0.
    pub(super) base: Option<Gpr>,
    /// What is added to the base.
    pub(super) index: Index,
    /// How many bytes it reaches.
    pub(super) bytes: u32,
    /// Whether the address is left in the base register.
    pub(super) update: bool,
}

/// What is added to a base register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Index {
    Immediate(i64),
    Register(Gpr),
}

/// Bits `first` to `last` of a word in the numbering of the Power ISA, where bit 0 is the most significant one.
const fn bits(word: u32, first: u32, last: u32) -> u32 {
    (word << first) >> (31 - last + first)
}

const fn rt(word: u32) -> Gpr {
    bits(word, 6, 10) as Gpr
}

const fn ra(word: u32) -> Gpr {
    bits(word, 11, 15) as Gpr
}

const fn rb(word: u32) -> Gpr {
    bits(word, 16, 20) as Gpr
}

/// RA where 0 means "no register".
const fn ra_or_zero(word: u32) -> Option<Gpr> {
    match ra(word) {
        0 => None,
        register => Some(register),
    }
}

const fn d(word: u32) -> i64 {
    word as u16 as i16 as i64
}

/// The instruction at the front of `word` and `next`, and how many words it takes. `next` is for prefixed ones.
pub(super) fn decode(word: u32, next: Option<u32>) -> (Insn, usize) {
    match (word >> 26, next) {
        (1, Some(suffix)) => (prefixed(word, suffix), 2),
        (1, None) => (Insn::Unknown, 1),
        _ => (single(word), 1),
    }
}

fn single(word: u32) -> Insn {
    let computes = |to| Insn::Computes { to };
    match word >> 26 {
        // tdi, twi
        2 | 3 if rt(word) == 31 => Insn::Trap,
        2 | 3 => Insn::Nothing,
        4 => vector(word),
        // lxvp, stxvp
        6 => dq_form(word, word & 1 != 0, 0, 32),
        // mulli, subfic, addic, addic.
        7 | 8 | 12 | 13 => computes(rt(word)),
        // cmpli, cmpi
        10 | 11 => Insn::Nothing,
        opcode @ (14 | 15) => Insn::AddImmediate {
            to: rt(word),
            from: ra_or_zero(word),
            immediate: if opcode == 14 { d(word) } else { d(word) << 16 },
        },
        16 => conditional_branch(word),
        17 => Insn::SystemCall,
        18 if word & 2 != 0 => Insn::AbsoluteBranch,
        18 => Insn::Branch {
            distance: (((word & 0x03ff_fffc) << 6) as i32 >> 6) as i64,
            link: word & 1 != 0,
            conditional: false,
        },
        19 => branch_unit(word),
        // rlwimi, rlwinm, rlwnm, xori, xoris, andi., andis.
        20 | 21 | 23 | 26 | 27 | 28 | 29 => computes(ra(word)),
        // ori, oris; with r0,r0,0 a nop
        24 | 25 if word & 0x03ff_ffff == 0 => Insn::Nothing,
        opcode @ (24 | 25) => Insn::OrImmediate {
            to: ra(word),
            from: rt(word),
            immediate: (word as u16 as i64) << if opcode == 24 { 0 } else { 16 },
        },
        30 => rotate_doubleword(word),
        31 => super::decode_x::decode(word),
        opcode @ 32..=55 => d_form(word, opcode),
        // lq
        56 => dq_form(word, false, 2, 16),
        57 => match word & 3 {
            2 | 3 => ds_form(word, false, 0, 8),
            0 => ds_form(word, false, 0, 16),
            _ => Insn::Unknown,
        },
        58 => match word & 3 {
            0 => ds_form(word, false, 1, 8),
            1 => with_update(ds_form(word, false, 1, 8)),
            2 => ds_form(word, false, 1, 4),
            _ => Insn::Unknown,
        },
        // Floating point, decimal and VSX arithmetic; only xsxexpdp and xsxsigdp write a general register.
        60 if bits(word, 21, 29) == 347 && ra(word) < 2 => computes(rt(word)),
        59 | 60 | 63 => Insn::Nothing,
        61 => match word & 7 {
            1 | 5 => dq_form(word, word & 7 == 5, 0, 16),
            0 | 4 => ds_form(word, true, 0, 16),
            _ => ds_form(word, true, 0, 8),
        },
        62 => match word & 3 {
            0 => ds_form(word, true, 1, 8),
            1 => with_update(ds_form(word, true, 1, 8)),
            2 => ds_form(word, true, 2, 16),
            _ => Insn::Unknown,
        },
        _ => Insn::Unknown,
    }
}

fn memory(word: u32, store: bool, registers: usize, bytes: u32, displacement: i64) -> Insn {
    Insn::Memory(Memory {
        store,
        register: rt(word),
        registers,
        base: ra_or_zero(word),
        index: Index::Immediate(displacement),
        bytes,
        update: false,
    })
}

fn ds_form(word: u32, store: bool, registers: usize, bytes: u32) -> Insn {
    memory(word, store, registers, bytes, d(word) & !3)
}

fn dq_form(word: u32, store: bool, registers: usize, bytes: u32) -> Insn {
    memory(word, store, registers, bytes, d(word) & !15)
}

fn with_update(insn: Insn) -> Insn {
    match insn {
        Insn::Memory(memory) => Insn::Memory(Memory {
            update: true,
            ..memory
        }),
        other => other,
    }
}

/// lwz to stfdu, in the order of their opcodes.
fn d_form(word: u32, opcode: u32) -> Insn {
    let plain = |store, registers, bytes| memory(word, store, registers, bytes, d(word));
    let several = 32 - rt(word);
    let insn = match opcode {
        32 | 33 => plain(false, 1, 4),
        34 | 35 => plain(false, 1, 1),
        36 | 37 => plain(true, 1, 4),
        38 | 39 => plain(true, 1, 1),
        40..=43 => plain(false, 1, 2),
        44 | 45 => plain(true, 1, 2),
        46 | 47 => return plain(opcode == 47, several, 4 * several as u32),
        48 | 49 => plain(false, 0, 4),
        50 | 51 => plain(false, 0, 8),
        52 | 53 => plain(true, 0, 4),
        _ => plain(true, 0, 8),
    };
    if opcode % 2 == 1 { with_update(insn) } else { insn }
}

/// BO says "always" when neither CTR nor a CR bit is looked at.
const fn always(word: u32) -> bool {
    rt(word) & 0b10100 == 0b10100
}

fn conditional_branch(word: u32) -> Insn {
    if word & 2 != 0 {
        return Insn::AbsoluteBranch;
    }
    let (distance, link) = (d(word) & !3, word & 1 != 0);
    // How code learns its own address; not a call.
    if link && always(word) && distance == 4 {
        return Insn::Nothing;
    }
    Insn::Branch {
        distance,
        link,
        conditional: !always(word),
    }
}

fn branch_unit(word: u32) -> Insn {
    let (link, conditional) = (word & 1 != 0, !always(word));
    match bits(word, 21, 30) {
        16 => Insn::BranchToLr { link, conditional },
        528 => Insn::BranchToCtr { link, conditional },
        // mcrf, isync, the logic of CR bits, and stop, behind which the code goes on unless all is lost anyway
        0 | 33 | 129 | 150 | 193 | 225 | 257 | 289 | 417 | 449 | 370 => Insn::Nothing,
        // rfid, rfscv, rfebb, hrfid, bctar
        18 | 82 | 146 | 274 | 560 => Insn::Leaves,
        // addpcis
        _ if bits(word, 26, 30) == 2 => Insn::Computes { to: rt(word) },
        _ => Insn::Unknown,
    }
}

fn rotate_doubleword(word: u32) -> Insn {
    let (to, from) = (ra(word), rt(word));
    let shift = rb(word) | (word as usize >> 1 & 1) << 5;
    // rldicr with no rotation
    if bits(word, 27, 29) == 1 && shift == 0 {
        Insn::Align { to, from }
    } else {
        Insn::Computes { to }
    }
}

/// Opcode 4: vectors, and the few that write a general register.
fn vector(word: u32) -> Insn {
    let extracts = matches!(
        bits(word, 21, 31),
        1549 | 1613 | 1677 | 1805 | 1869 | 1933 | 1538 | 1602
    );
    // maddhd, maddhdu, maddld
    if matches!(word & 63, 48 | 49 | 51) || extracts {
        Insn::Computes { to: rt(word) }
    } else {
        Insn::Nothing
    }
}

/// Prefixed instructions: POWER10's, with 34-bit displacements.
fn prefixed(prefix: u32, suffix: u32) -> Insn {
    // Relative to the instruction: no register is a base, and RA is 0.
    let relative = prefix & 1 << 20 != 0;
    let high = (((prefix & 0x0003_ffff) << 14) as i32 >> 14) as i64;
    let displacement = high << 16 | i64::from(suffix as u16);
    let reach = |store, registers, bytes| memory(suffix, store, registers, bytes, displacement);
    match (bits(prefix, 6, 7), suffix >> 26) {
        // paddi
        (2, 14) if relative => Insn::Computes { to: rt(suffix) },
        (2, 14) => Insn::AddImmediate {
            to: rt(suffix),
            from: ra_or_zero(suffix),
            immediate: displacement,
        },
        (2, opcode @ (32 | 34 | 36 | 38 | 40 | 42 | 44 | 48 | 50 | 52 | 54)) => {
            match d_form(suffix, opcode) {
                Insn::Memory(memory) => Insn::Memory(Memory {
                    index: Index::Immediate(displacement),
                    ..memory
                }),
                other => other,
            }
        }
        // plwa, pld, pstd, plq, pstq
        (0, 41) => reach(false, 1, 4),
        (0, 57) => reach(false, 1, 8),
        (0, 61) => reach(true, 1, 8),
        (0, 56) => reach(false, 2, 16),
        (0, 60) => reach(true, 2, 16),
        // plxsd, plxssp, pstxsd, pstxssp
        (0, 42 | 43) => reach(false, 0, 8),
        (0, 46 | 47) => reach(true, 0, 8),
        // plxv, pstxv, plxvp, pstxvp
        (0, 50 | 51) => reach(false, 0, 16),
        (0, 54 | 55) => reach(true, 0, 16),
        (0, 58) => reach(false, 0, 32),
        (0, 62) => reach(true, 0, 32),
        // vector permutes and matrices, pnop
        (1 | 3, _) => Insn::Nothing,
        _ => Insn::Unknown,
    }
}

#[cfg(test)]
mod tests;

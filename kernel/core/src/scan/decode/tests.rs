//! Every word here was made by powerpc64le-linux-gnu-as 2.40 from the text beside it.

use super::{Gpr, Index, Insn, Memory, decode};

fn computes(to: Gpr) -> Insn {
    Insn::Computes { to }
}

fn add_immediate(to: Gpr, from: Option<Gpr>, immediate: i64) -> Insn {
    Insn::AddImmediate { to, from, immediate }
}

fn branch(distance: i64, link: bool, conditional: bool) -> Insn {
    Insn::Branch {
        distance,
        link,
        conditional,
    }
}

fn memory(store: bool, register: Gpr, base: Gpr, displacement: i64, bytes: u32) -> Insn {
    Insn::Memory(Memory {
        store,
        register,
        registers: 1,
        base: Some(base),
        index: Index::Immediate(displacement),
        bytes,
        update: false,
    })
}

fn load(register: Gpr, base: Gpr, displacement: i64, bytes: u32) -> Insn {
    memory(false, register, base, displacement, bytes)
}

fn store(register: Gpr, base: Gpr, displacement: i64, bytes: u32) -> Insn {
    memory(true, register, base, displacement, bytes)
}

fn changed(insn: Insn, change: impl Fn(&mut Memory)) -> Insn {
    match insn {
        Insn::Memory(mut memory) => {
            change(&mut memory);
            Insn::Memory(memory)
        }
        other => other,
    }
}

fn update(insn: Insn) -> Insn {
    changed(insn, |memory| memory.update = true)
}

fn indexed(insn: Insn, register: Gpr) -> Insn {
    changed(insn, |memory| memory.index = Index::Register(register))
}

fn several(insn: Insn, registers: usize) -> Insn {
    changed(insn, |memory| memory.registers = registers)
}

#[test]
#[rustfmt::skip]
fn decodes_what_the_assembler_made() {
    let cases: &[(&str, &[u32], Insn)] = &[
        ("nop", &[0x6000_0000], Insn::Nothing),
        ("li 3,-1", &[0x3860_ffff], add_immediate(3, None, -1)),
        ("lis 3,-2", &[0x3c60_fffe], add_immediate(3, None, -0x20000)),
        ("addi 31,1,-32768", &[0x3be1_8000], add_immediate(31, Some(1), -32768)),
        ("addis 9,1,2", &[0x3d21_0002], add_immediate(9, Some(1), 0x20000)),
        ("ori 0,0,31024", &[0x6000_7930], Insn::OrImmediate { to: 0, from: 0, immediate: 31024 }),
        ("oris 4,5,1", &[0x64a4_0001], Insn::OrImmediate { to: 4, from: 5, immediate: 0x10000 }),
        ("mr 31,1", &[0x7c3f_0b78], Insn::Copy { to: 31, from: 1 }),
        ("mr. 30,3", &[0x7c7e_1b79], Insn::Copy { to: 30, from: 3 }),
        ("or 3,4,5", &[0x7c83_2b78], computes(3)),
        ("add 9,1,10", &[0x7d21_5214], Insn::Add { to: 9, left: 1, right: 10 }),
        ("addo. 9,1,10", &[0x7d21_5615], Insn::Add { to: 9, left: 1, right: 10 }),
        ("subf 3,4,5", &[0x7c64_2850], Insn::Subtract { to: 3, from: 5, amount: 4 }),
        ("neg 3,4", &[0x7c64_00d0], computes(3)),
        ("subfic 0,0,-256", &[0x2000_ff00], computes(0)),
        ("mulli 7,8,9", &[0x1ce8_0009], computes(7)),
        ("mulld 3,4,5", &[0x7c64_29d2], computes(3)),
        ("mulhwu. 3,4,5", &[0x7c64_2817], computes(3)),
        ("divdu 3,4,5", &[0x7c64_2b92], computes(3)),
        ("modsw 3,4,5", &[0x7c64_2e16], computes(3)),
        ("adde 3,4,5", &[0x7c64_2914], computes(3)),
        ("addze 3,4", &[0x7c64_0194], computes(3)),
        ("isel 3,4,5,2", &[0x7c64_289e], computes(3)),
        ("and 3,4,5", &[0x7c83_2838], computes(3)),
        ("andi. 6,10,3", &[0x7146_0003], computes(6)),
        ("xoris 3,4,5", &[0x6c83_0005], computes(3)),
        ("extsw 3,4", &[0x7c83_07b4], computes(3)),
        ("cntlzd 3,4", &[0x7c83_0074], computes(3)),
        ("popcntd 3,4", &[0x7c83_03f4], computes(3)),
        ("sradi 3,4,40", &[0x7c83_4676], computes(3)),
        ("extswsli 3,4,40", &[0x7c83_46f6], computes(3)),
        ("srad 3,4,5", &[0x7c83_2e34], computes(3)),
        ("rlwinm 3,4,5,6,7", &[0x5483_298e], computes(3)),
        ("clrrdi 9,8,4", &[0x7909_06e4], Insn::Align { to: 9, from: 8 }),
        ("sldi 9,8,4", &[0x7909_26e4], computes(9)),
        ("clrldi 9,8,32", &[0x7909_0020], computes(9)),
        ("rldcl 9,8,7,3", &[0x7909_38d0], computes(9)),
        ("maddld 3,4,5,6", &[0x1064_29b3], computes(3)),
        ("cmpd 1,9", &[0x7c21_4800], Insn::Nothing),
        ("cmplwi 3,5", &[0x2803_0005], Insn::Nothing),
        ("cmpb 3,4,5", &[0x7c83_2bf8], computes(3)),
        ("crxor 6,6,6", &[0x4cc6_3182], Insn::Nothing),
        ("mflr 0", &[0x7c08_02a6], computes(0)),
        ("mtlr 0", &[0x7c08_03a6], Insn::Nothing),
        ("mtctr 12", &[0x7d89_03a6], Insn::ToCtr { from: 12 }),
        ("mfctr 3", &[0x7c69_02a6], computes(3)),
        ("mfcr 12", &[0x7d80_0026], computes(12)),
        ("mtcrf 8,12", &[0x7d90_8120], Insn::Nothing),
        ("mfmsr 3", &[0x7c60_00a6], computes(3)),
        ("mtmsrd 3", &[0x7c60_0164], Insn::Nothing),
        ("mfspr 3,268", &[0x7c6c_42a6], computes(3)),
        ("addpcis 3,5", &[0x4c62_0005], computes(3)),
        ("setb 3,1", &[0x7c64_0100], computes(3)),
        ("darn 3,1", &[0x7c61_05e6], computes(3)),
        ("sync", &[0x7c00_04ac], Insn::Nothing),
        ("isync", &[0x4c00_012c], Insn::Nothing),
        ("stop", &[0x4c00_02e4], Insn::Nothing),
        ("eieio", &[0x7c00_06ac], Insn::Nothing),
        ("dcbf 3,4", &[0x7c03_20ac], Insn::Nothing),
        ("icbi 3,4", &[0x7c03_27ac], Insn::Nothing),
        ("dcbz 0,9", &[0x7c00_4fec], Insn::Memory(Memory { store: true, register: 0, registers: 0, base: None, index: Index::Register(9), bytes: 128, update: false })),
        ("tlbie 3,4", &[0x7c80_1a64], Insn::Nothing),
        ("ld 0,16(1)", &[0xe801_0010], load(0, 1, 16, 8)),
        ("ld 3,-8(1)", &[0xe861_fff8], load(3, 1, -8, 8)),
        ("lwa 3,-8(1)", &[0xe861_fffa], load(3, 1, -8, 4)),
        ("lwz 3,5(31)", &[0x807f_0005], load(3, 31, 5, 4)),
        ("lbz 3,-1(31)", &[0x887f_ffff], load(3, 31, -1, 1)),
        ("lha 3,6(31)", &[0xa87f_0006], load(3, 31, 6, 2)),
        ("std 4,40(1)", &[0xf881_0028], store(4, 1, 40, 8)),
        ("stw 12,8(1)", &[0x9181_0008], store(12, 1, 8, 4)),
        ("stb 12,9(1)", &[0x9981_0009], store(12, 1, 9, 1)),
        ("sth 12,10(1)", &[0xb181_000a], store(12, 1, 10, 2)),
        ("stdu 1,-48(1)", &[0xf821_ffd1], update(store(1, 1, -48, 8))),
        ("ldu 6,8(9)", &[0xe8c9_0009], update(load(6, 9, 8, 8))),
        ("lwzu 6,8(9)", &[0x84c9_0008], update(load(6, 9, 8, 4))),
        ("stbu 6,-1(9)", &[0x9cc9_ffff], update(store(6, 9, -1, 1))),
        ("stdux 1,1,0", &[0x7c21_016a], update(indexed(store(1, 1, 0, 8), 0))),
        ("ldx 9,9,1", &[0x7d29_082a], indexed(load(9, 9, 0, 8), 1)),
        ("lwax 9,10,3", &[0x7d2a_1aaa], indexed(load(9, 10, 0, 4), 3)),
        ("lbzux 9,10,3", &[0x7d2a_18ee], update(indexed(load(9, 10, 0, 1), 3))),
        ("ldbrx 9,10,3", &[0x7d2a_1c28], indexed(load(9, 10, 0, 8), 3)),
        ("ldarx 9,0,3", &[0x7d20_18a8], Insn::Memory(Memory { store: false, register: 9, registers: 1, base: None, index: Index::Register(3), bytes: 8, update: false })),
        ("stdcx. 9,10,3", &[0x7d2a_19ad], indexed(store(9, 10, 0, 8), 3)),
        ("sthbrx 9,10,3", &[0x7d2a_1f2c], indexed(store(9, 10, 0, 2), 3)),
        ("lq 4,32(1)", &[0xe081_0020], several(load(4, 1, 32, 16), 2)),
        ("stq 4,32(1)", &[0xf881_0022], several(store(4, 1, 32, 16), 2)),
        ("lfd 4,32(1)", &[0xc881_0020], several(load(4, 1, 32, 8), 0)),
        ("stfs 4,32(1)", &[0xd081_0020], several(store(4, 1, 32, 4), 0)),
        ("lxv 4,32(1)", &[0xf481_0021], several(load(4, 1, 32, 16), 0)),
        ("stxv 36,32(1)", &[0xf481_002d], several(store(4, 1, 32, 16), 0)),
        ("stxsd 4,36(1)", &[0xf481_0026], several(store(4, 1, 36, 8), 0)),
        ("lxsd 4,36(1)", &[0xe481_0026], several(load(4, 1, 36, 8), 0)),
        ("lxvd2x 4,1,5", &[0x7c81_2e98], several(indexed(load(4, 1, 0, 16), 5), 0)),
        ("stvx 4,1,5", &[0x7c81_29ce], several(indexed(store(4, 1, 0, 16), 5), 0)),
        ("stfdx 4,1,5", &[0x7c81_2dae], several(indexed(store(4, 1, 0, 8), 5), 0)),
        ("mfvsrd 3,34", &[0x7c43_0067], computes(3)),
        ("mtvsrd 34,3", &[0x7c43_0167], Insn::Nothing),
        ("vaddudm 1,2,3", &[0x1022_18c0], Insn::Nothing),
        ("xxlor 1,2,3", &[0xf022_1c90], Insn::Nothing),
        ("fadd 1,2,3", &[0xfc22_182a], Insn::Nothing),
        ("fadds 1,2,3", &[0xec22_182a], Insn::Nothing),
        ("b .+8", &[0x4800_0008], branch(8, false, false)),
        ("b .-8", &[0x4bff_fff8], branch(-8, false, false)),
        ("bl .+0x1fffffc", &[0x49ff_fffd], branch(0x1ff_fffc, true, false)),
        ("beq .+8", &[0x4182_0008], branch(8, false, true)),
        ("bdnz .-36", &[0x4200_ffdc], branch(-36, false, true)),
        ("bcl 20,31,.+4", &[0x429f_0005], Insn::Nothing),
        ("bcl 20,31,.+8", &[0x429f_0009], branch(8, true, false)),
        ("ba 0x100", &[0x4800_0102], Insn::AbsoluteBranch),
        ("blr", &[0x4e80_0020], Insn::BranchToLr { link: false, conditional: false }),
        ("beqlr", &[0x4d82_0020], Insn::BranchToLr { link: false, conditional: true }),
        ("blrl", &[0x4e80_0021], Insn::BranchToLr { link: true, conditional: false }),
        ("bctr", &[0x4e80_0420], Insn::BranchToCtr { link: false, conditional: false }),
        ("bctrl", &[0x4e80_0421], Insn::BranchToCtr { link: true, conditional: false }),
        ("bnectr", &[0x4c82_0420], Insn::BranchToCtr { link: false, conditional: true }),
        ("bctar 20,0,0", &[0x4e80_0460], Insn::Leaves),
        ("rfid", &[0x4c00_0024], Insn::Leaves),
        ("hrfid", &[0x4c00_0224], Insn::Leaves),
        ("sc", &[0x4400_0002], Insn::SystemCall),
        ("sc 1", &[0x4400_0022], Insn::SystemCall),
        ("trap", &[0x7fe0_0008], Insn::Trap),
        ("tdnei 3,0", &[0x0b03_0000], Insn::Nothing),
        ("tdne 12,0", &[0x7f0c_0088], Insn::Nothing),
        (".long 0", &[0x0000_0000], Insn::Unknown),
        (".long 0x7c000014 + 62", &[0x7c00_0052], Insn::Unknown),
        ("paddi 4,1,160", &[0x0600_0000, 0x3881_00a0], add_immediate(4, Some(1), 160)),
        ("paddi 4,1,-0x100000", &[0x0603_fff0, 0x3881_0000], add_immediate(4, Some(1), -0x10_0000)),
        ("pla 4,160", &[0x0610_0000, 0x3880_00a0], computes(4)),
        ("pld 3,-152(1)", &[0x0403_ffff, 0xe461_ff68], load(3, 1, -152, 8)),
        ("pld 3,0x12345678(1)", &[0x0400_1234, 0xe461_5678], load(3, 1, 0x1234_5678, 8)),
        ("pstd 3,152(1)", &[0x0400_0000, 0xf461_0098], store(3, 1, 152, 8)),
        ("plwz 3,152(1)", &[0x0600_0000, 0x8061_0098], load(3, 1, 152, 4)),
        ("pstb 3,152(1)", &[0x0600_0000, 0x9861_0098], store(3, 1, 152, 1)),
        ("plxv 3,160(1)", &[0x0400_0000, 0xc861_00a0], several(load(3, 1, 160, 16), 0)),
        ("pstq 4,160(1)", &[0x0400_0000, 0xf081_00a0], several(store(4, 1, 160, 16), 2)),
        ("pnop", &[0x0700_0000, 0x0000_0000], Insn::Nothing),
    ];
    for (text, words, expected) in cases {
        let (insn, length) = decode(words[0], words.get(1).copied());
        assert_eq!((insn, length), (*expected, words.len()), "{text}");
    }
}

#[test]
fn a_prefix_without_its_suffix_is_unknown() {
    assert_eq!(decode(0x0600_0000, None), (Insn::Unknown, 1));
}

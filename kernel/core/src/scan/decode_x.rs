//! Opcode 31: everything with three register fields, and most of what the processor has been given since.

use super::decode::{Gpr, Index, Insn, Memory};

/// The instruction in `word`, whose opcode is 31.
pub(super) fn decode(word: u32) -> Insn {
    let field = |shift: u32| (word >> shift & 31) as Gpr;
    let (rt, ra, rb) = (field(21), field(16), field(11));
    let extended = word >> 1 & 0x3ff;
    let memory = |store, registers, bytes, update| {
        Insn::Memory(Memory {
            store,
            register: rt,
            registers,
            base: (ra != 0).then_some(ra),
            index: Index::Register(rb),
            bytes,
            update,
        })
    };
    let load = |bytes| memory(false, 1, bytes, false);
    let store = |bytes| memory(true, 1, bytes, false);
    match extended {
        // tw, td
        4 | 68 if rt == 31 => Insn::Trap,
        4 | 68 => Insn::Nothing,
        // or
        444 if rt == rb => Insn::Copy { to: ra, from: rt },
        266 | 778 => Insn::Add {
            to: rt,
            left: ra,
            right: rb,
        },
        40 | 552 => Insn::Subtract {
            to: rt,
            from: rb,
            amount: ra,
        },
        // mtspr; CTR is 9, its halves swapped
        467 if word >> 11 & 0x3ff == 9 << 5 => Insn::ToCtr { from: rt },
        // The same with update: bit 5 of the extended opcode.
        87 | 52 | 853 => load(1),
        279 | 343 | 116 | 790 | 821 => load(2),
        23 | 341 | 20 | 534 | 789 | 582 => load(4),
        21 | 84 | 532 | 885 | 614 | 309 => load(8),
        119 => memory(false, 1, 1, true),
        311 | 375 => memory(false, 1, 2, true),
        55 | 373 => memory(false, 1, 4, true),
        53 => memory(false, 1, 8, true),
        // lqarx
        276 => memory(false, 2, 16, false),
        215 | 694 | 981 => store(1),
        407 | 726 | 918 | 949 => store(2),
        151 | 150 | 662 | 917 | 710 => store(4),
        149 | 214 | 660 | 1013 | 742 => store(8),
        247 => memory(true, 1, 1, true),
        439 => memory(true, 1, 2, true),
        183 => memory(true, 1, 4, true),
        181 => memory(true, 1, 8, true),
        // stqcx.
        182 => memory(true, 2, 16, false),
        // Floating point and vectors: loads …
        535 | 599 | 855 | 887 => memory(false, 0, 8, false),
        567 | 631 => memory(false, 0, 8, true),
        7 | 39 | 71 | 103 | 359 | 844 | 780 | 588 | 524 | 76 | 12 | 332 | 268 | 812 | 876 | 269 | 301
        | 364 | 781 | 813 => memory(false, 0, 16, false),
        // … and stores
        663 | 727 | 983 => memory(true, 0, 8, false),
        695 | 759 => memory(true, 0, 8, true),
        135 | 167 | 199 | 231 | 487 | 972 | 908 | 716 | 652 | 140 | 396 | 940 | 1004 | 397 | 429 | 909
        | 941 => memory(true, 0, 16, false),
        // dcbz
        1014 => memory(true, 0, 128, false),
        // and, andc, nor, eqv, xor, orc, or, nand; shifts; counts of bits; sign extensions; bits and bytes moved about;
        // mfvsrd, mfvsrwz, mfvsrld; cdtbcd, cbcdtd
        28 | 60 | 124 | 284 | 316 | 412 | 444 | 476 | 24 | 27 | 536 | 539 | 792 | 794 | 824 | 826 | 827
        | 26 | 58 | 538 | 570 | 122 | 378 | 506 | 154 | 186 | 252 | 508 | 954 | 922 | 986 | 890 | 891
        | 219 | 155 | 187 | 59 | 571 | 188 | 156 | 220 | 51 | 115 | 307 | 282 | 314 => {
            Insn::Computes { to: ra }
        }
        // mfspr, mfcr, mfmsr, mftb, darn, setb and its kin, slbmfee, slbmfev, slbfee.; modulo
        339 | 19 | 83 | 371 | 755 | 128 | 384 | 416 | 448 | 480 | 915 | 851 | 979 | 779 | 267 | 777 | 265 => {
            Insn::Computes { to: rt }
        }
        // Compares, mtspr, mtcrf, mcrxrx, lvsl, lvsr, barriers, cache and translation management, mtmsr, messages, wait,
        // mtvsr…, copy, cp_abort
        0 | 32 | 192 | 224 | 467 | 144 | 576 | 6 | 38 | 598 | 854 | 86 | 54 | 278 | 246 | 982 | 22 | 306
        | 274 | 566 | 402 | 498 | 434 | 466 | 338 | 146 | 178 | 30 | 206 | 238 | 142 | 174 | 886 | 822
        | 342 | 374 | 179 | 211 | 243 | 435 | 403 | 774 | 838 => Insn::Nothing,
        // isel takes five bits of the field; arithmetic nine, with the overflow bit in front.
        _ if extended & 31 == 15 => Insn::Computes { to: rt },
        _ if matches!(
            extended & 0x1ff,
            104 | 10
                | 8
                | 138
                | 136
                | 202
                | 200
                | 234
                | 232
                | 235
                | 233
                | 75
                | 11
                | 73
                | 9
                | 491
                | 489
                | 459
                | 457
                | 427
                | 395
                | 425
                | 393
                | 74
        ) || extended & 0xff == 170 =>
        {
            Insn::Computes { to: rt }
        }
        _ => Insn::Unknown,
    }
}

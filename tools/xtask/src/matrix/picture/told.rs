//! What each field holds under each return design while C runs. Where the fields are is not told here.

/// What is in a field.
#[derive(Clone, Copy)]
pub(super) enum Holds {
    /// What A needs, put there by the design.
    Kept(&'static str),
    /// Where C returns to, when that is not A.
    Helper(&'static str),
    /// Nothing of the design's.
    Other(&'static str),
}

/// A stack of the design's own.
pub(super) struct Record {
    pub(super) title: &'static str,
    /// What is above the newest record.
    pub(super) above: &'static str,
    /// What points behind it.
    pub(super) pointer: &'static str,
    pub(super) structure: &'static str,
    pub(super) holds: &'static [(&'static str, Holds)],
    /// How far older records reach.
    pub(super) below: &'static str,
}

/// What a design's picture shows.
pub(super) struct Design {
    pub(super) name: &'static str,
    pub(super) summary: &'static str,
    /// The header of A's frame.
    pub(super) a_frame: &'static [(&'static str, Holds)],
    /// The header that is all of a frame between A and C.
    pub(super) own_frame: Option<&'static [(&'static str, Holds)]>,
    pub(super) record: Option<Record>,
}

use Holds::{Helper, Kept, Other};

const BACK_CHAIN: (&str, Holds) = ("back_chain", Other("A's caller's frame"));
const CR_SAVE: (&str, Holds) = ("cr_save", Other("CR, if C saves it"));
const RESERVED: (&str, Holds) = ("reserved", Other("reserved"));
const TOC_SAVE: (&str, Holds) = ("toc_save", Other("A's TOC, if A called through a stub"));

/// A's frame header where the design leaves it alone and C returns into a helper.
const UNTOUCHED: &[(&str, Holds)] = &[
    BACK_CHAIN,
    CR_SAVE,
    RESERVED,
    ("lr_save", Helper("the return helper, if C saves LR")),
    TOC_SAVE,
];

pub(super) const DESIGNS: &[Design] = &[
    Design {
        name: "none",
        summary: "C returns to A, with C's TOC in r2. Nothing is kept.",
        a_frame: &[
            BACK_CHAIN,
            CR_SAVE,
            RESERVED,
            ("lr_save", Other("A's return address, if C saves LR")),
            TOC_SAVE,
        ],
        own_frame: None,
        record: None,
    },
    Design {
        name: "mini-frame",
        summary: "C returns into klp_return_helper, which takes A's TOC from a frame between A and C and closes it.",
        a_frame: &[
            BACK_CHAIN,
            ("cr_save", Other("not used")),
            RESERVED,
            ("lr_save", Kept("A's return address")),
            TOC_SAVE,
        ],
        own_frame: Some(&[
            ("back_chain", Other("A's frame")),
            CR_SAVE,
            RESERVED,
            ("lr_save", Helper("klp_return_helper")),
            ("toc_save", Kept("A's TOC")),
        ]),
        record: None,
    },
    Design {
        name: "caller-frame",
        summary: "C returns into the helper, which takes both of A's things from A's own frame header.",
        a_frame: &[
            BACK_CHAIN,
            CR_SAVE,
            ("reserved", Kept("A's return address - TOC, 32 bits")),
            ("lr_save", Helper("the return helper")),
            ("toc_save", Kept("r2 as B found it; was A's save")),
        ],
        own_frame: None,
        record: None,
    },
    Design {
        name: "livepatch-stack",
        summary: "C returns into the helper, which takes A's things from a record at the other end of A's stack.",
        a_frame: UNTOUCHED,
        own_frame: None,
        record: Some(Record {
            title: "the same stack's other end, growing up",
            above: "free, as far as C's frames",
            pointer: "livepatch_sp",
            structure: "LivepatchRecord",
            holds: &[
                ("marker", Other("marker")),
                ("return_address", Kept("A's return address")),
                ("toc", Kept("A's TOC")),
            ],
            below: "down to the stack's base",
        }),
    },
    Design {
        name: "return-stack",
        summary: "C returns into the helper, which takes A's things from a record in memory of its own.",
        a_frame: UNTOUCHED,
        own_frame: None,
        record: Some(Record {
            title: "the thread's return stack, growing up",
            above: "free, as far as return_limit",
            pointer: "return_sp",
            structure: "ReturnRecord",
            holds: &[
                ("stack_pointer", Kept("A's r1")),
                ("toc_save", Kept("A's 24(r1), put back on return")),
                ("toc", Kept("A's TOC")),
                ("return_address", Kept("A's return address")),
            ],
            below: "down to the memory's beginning",
        }),
    },
];

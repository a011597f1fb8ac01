//! What a function does with its caller's frame, found in its instructions alone.
//!
//! A return design puts something between A and C: a frame, a record in A's frame header, a helper that reads either. Whether C can
//! live with that is not in its symbol and not in its type (debug information may be missing, and says nothing of variadic
//! functions in Rust), but it is in its code: arguments on the stack are reached through r1 and its copies, and nothing
//! else. The scan follows r1 through every path of the function and reports what it saw as [`Facts`]; [`refusal`] holds
//! these against what a design bears, its [`DesignLimits`].
//!
//! What the scan cannot decide is in [`Facts::undecided`], with the place and the reason. An empty list is a statement,
//! not a default: every word that control can reach was understood.
//!
//! ```text
//!   A's frame, by offset from r1 as A leaves it
//!     96 …   arguments that did not fit into registers          stack_arguments
//!     32 …   where r3 to r10 may be spilled                     register_spill
//!     24     TOC save word                                      toc_save_write
//!     12     reserved word                                      reserved_write
//!      0     back chain, CR save at 8, LR save at 16            every function's own business
//! ```
//! Source of the layout: ELFv2 ABI 2.2.3. A private function under LLVM's `fastcc` finds arguments from 32 on; they count.
//!
//! | file | what |
//! |---|---|
//! | `decode`, `decode_x` | instructions, reduced to what is followed |
//! | `code` | the words of a function: its jump tables, what only fills space |
//! | `value` | what is known of registers at one instruction |
//! | `step` | what one instruction changes in that |
//! | `flow` | all paths through a function |
//! | `facts` | what was seen, and how it is counted |
//! | `siblings` | functions that are left to others, which inherit the frame |
//! | `refusal` | what a design does not bear, in words |

mod code;
mod decode;
mod decode_x;
mod facts;
mod flow;
mod refusal;
mod siblings;
mod step;
mod value;

pub use facts::{At, CallerArea, Facts, Reason, SiblingCall, Undecided};
pub use refusal::{DesignLimits, Refusal, Version, refusal};
pub use siblings::scan;

/// The code of one function.
#[derive(Clone, Copy, Debug)]
pub struct Function<'c> {
    /// Where its global entry is, and `code` begins.
    pub address: u64,
    /// All its instructions, little endian.
    pub code: &'c [u8],
    /// Bytes from the global to the local entry, as `st_other` says: 0 or 8.
    pub local_entry: u8,
    /// Offset of the word that a hook may have changed; it is read as the `nop` it otherwise is.
    pub site: Option<u32>,
}

/// What a branch out of a function arrives at.
#[derive(Clone, Copy, Debug)]
pub enum Target<'c> {
    /// A function, at its global or local entry.
    Function(Function<'c>),
    /// A stub between two TOCs.
    Stub {
        /// Whether it stores r2 at 24(r1).
        saves_toc: bool,
        /// Whose entry it goes to, when that is known.
        to: Option<Function<'c>>,
    },
    /// Nobody knows.
    Unknown,
}

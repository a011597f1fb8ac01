//! What a return design does not bear, and what it is told to the person who asked for it.

use super::facts::{At, CallerArea, Facts, Undecided};
use core::fmt;

/// What a return design does to the frames it works with, as far as code can be hurt by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DesignLimits {
    /// Its name, for messages.
    pub name: &'static str,
    /// It puts a frame of so many bytes between A and C, and everything C finds in its caller's frame with it.
    pub moves_stack_arguments: Option<u32>,
    /// Whoever stores r2 at 24(r1) of the frame that C is entered with destroys what the helper, or A, reloads.
    pub needs_toc_save: bool,
    /// The helper reads the reserved word at 12(r1) of that frame.
    pub needs_reserved_word: bool,
    /// It keeps r2 as a distance of 32 bits from A's return address: r2 must be a TOC pointer.
    pub needs_toc_pointer: bool,
    /// A second patched function on the same frame, reached by a sibling call, writes over the first one's record.
    pub one_record_a_frame: bool,
}

impl DesignLimits {
    /// Whether there is anything that code could do against the design.
    #[must_use]
    pub const fn any(&self) -> bool {
        self.moves_stack_arguments.is_some()
            || self.needs_toc_save
            || self.needs_reserved_word
            || self.needs_toc_pointer
            || self.one_record_a_frame
    }
}

/// The side of a patch that a refusal is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// The function as it is.
    Old,
    /// Its replacement.
    New,
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Version::Old => "the old code",
            Version::New => "the new code",
        })
    }
}

/// Why a design cannot carry a patch. The text is one line and needs only the function's name in front.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// Arguments on the stack, and a frame in between.
    StackArguments {
        /// The design.
        design: &'static str,
        /// Whose code.
        version: Version,
        /// What it uses.
        area: CallerArea,
        /// How far they would be off.
        bytes: u32,
    },
    /// Registers are spilled into the caller's frame, and a frame without room for them is in between.
    RegisterSpill {
        /// The design.
        design: &'static str,
        /// Whose code.
        version: Version,
        /// What it uses.
        area: CallerArea,
        /// How far they would be off.
        bytes: u32,
    },
    /// The new code, or a stub that it leaves through, writes the TOC save word.
    TocSave {
        /// The design.
        design: &'static str,
        /// Where.
        at: At,
        /// Whether a stub does it.
        sibling_call: bool,
    },
    /// The old code has no TOC pointer of its own, so it may be entered with anything in r2.
    NoTocPointer {
        /// The design.
        design: &'static str,
    },
    /// The new code writes the reserved word.
    ReservedWord {
        /// The design.
        design: &'static str,
        /// Where.
        at: At,
    },
    /// The new code is left by a sibling call, which may come to be patched as well.
    SiblingCall {
        /// The design.
        design: &'static str,
        /// Where.
        at: At,
    },
    /// A frame of a size that the code does not say: what is above it cannot be told.
    DynamicFrame {
        /// The design.
        design: &'static str,
        /// Whose code.
        version: Version,
        /// Where.
        at: At,
    },
    /// Something that the scan does not know, under a design that needs to.
    Undecided {
        /// The design.
        design: &'static str,
        /// Whose code.
        version: Version,
        /// What.
        undecided: Undecided,
    },
}

/// Holds the facts of a function and of its replacement against a design. `None`: nothing that was found speaks against it.
///
/// Both sides count for what belongs to the function's type, since A passes what the old code takes; only the new one for
/// what happens on the way back, since only that is entered with the design's record.
#[must_use]
pub fn refusal(limits: &DesignLimits, old: &Facts, new: &Facts) -> Option<Refusal> {
    let design = limits.name;
    if let Some(bytes) = limits.moves_stack_arguments {
        for (version, facts) in [(Version::Old, old), (Version::New, new)] {
            let refused = moved(design, version, facts, bytes);
            if refused.is_some() {
                return refused;
            }
        }
    }
    if limits.needs_toc_save {
        if let Some(at) = new.toc_save_write {
            let sibling_call = false;
            return Some(Refusal::TocSave {
                design,
                at,
                sibling_call,
            });
        }
        if let Some(call) = new.sibling_calls.iter().find(|call| call.saves_toc) {
            return Some(Refusal::TocSave {
                design,
                at: call.at,
                sibling_call: true,
            });
        }
    }
    if limits.needs_reserved_word {
        if let Some(at) = new.reserved_write {
            return Some(Refusal::ReservedWord { design, at });
        }
    }
    if limits.one_record_a_frame {
        if let Some(call) = new.sibling_calls.first() {
            return Some(Refusal::SiblingCall { design, at: call.at });
        }
    }
    let careful = limits.needs_toc_save || limits.needs_reserved_word || limits.one_record_a_frame;
    let undecided = new.undecided.first().filter(|_| careful)?;
    Some(Refusal::Undecided {
        design,
        version: Version::New,
        undecided: *undecided,
    })
}

/// What speaks against a frame of `bytes` between the caller and this code.
fn moved(design: &'static str, version: Version, facts: &Facts, bytes: u32) -> Option<Refusal> {
    if let Some(area) = facts.register_spill {
        return Some(Refusal::RegisterSpill {
            design,
            version,
            area,
            bytes,
        });
    }
    if let Some(area) = facts.stack_arguments {
        return Some(Refusal::StackArguments {
            design,
            version,
            area,
            bytes,
        });
    }
    if let Some(at) = facts.dynamic_frame {
        return Some(Refusal::DynamicFrame { design, version, at });
    }
    let undecided = *facts.undecided.first()?;
    Some(Refusal::Undecided {
        design,
        version,
        undecided,
    })
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Refusal::StackArguments {
                design,
                version,
                area,
                bytes,
            } => {
                let (number, s) = (area.doublewords, if area.doublewords == 1 { "" } else { "s" });
                let least = if area.more { "at least " } else { "" };
                write!(
                    f,
                    "{version} takes {least}{number} stack argument{s} (first at {}): {design} would shift them by \
                     {bytes} bytes, as those of every function with more than 8 integer arguments or a large struct \
                     by value",
                    area.first
                )
            }
            Refusal::RegisterSpill {
                design,
                version,
                area,
                bytes,
            } => {
                let (number, s) = (area.doublewords, if area.doublewords == 1 { "" } else { "s" });
                write!(
                    f,
                    "{version} spills {number} argument register{s} into its caller's frame (first at {}), as variadic \
                     functions do: {design} would have them {bytes} bytes too low, over A's frame header",
                    area.first
                )
            }
            Refusal::TocSave {
                design,
                at,
                sibling_call: true,
            } => write!(
                f,
                "the new code leaves by a sibling call ({at}) through a stub that stores r2 at 24(r1): {design} needs that \
                 word as it was"
            ),
            Refusal::TocSave { design, at, .. } => {
                write!(
                    f,
                    "the new code writes its caller's 24(r1) ({at}): {design} needs that word as it was"
                )
            }
            Refusal::NoTocPointer { design } => write!(
                f,
                "the old code has no TOC pointer, so its callers may have anything in r2: {design} keeps r2 as a distance \
                 of 32 bits"
            ),
            Refusal::ReservedWord { design, at } => write!(
                f,
                "the new code writes the reserved word at 12(r1) of its caller's frame ({at}): {design} keeps its record \
                 there"
            ),
            Refusal::SiblingCall { design, at } => write!(
                f,
                "the new code leaves by a sibling call ({at}): {design} has one record a frame, and patching where it goes \
                 would write over that"
            ),
            Refusal::DynamicFrame { design, version, at } => write!(
                f,
                "{version} has a frame whose size is not in the code ({at}): that it takes no stack arguments, which \
                 {design} would shift, cannot be told"
            ),
            Refusal::Undecided {
                design,
                version,
                undecided,
            } => write!(
                f,
                "{version} is not understood ({}): {}, and {design} cannot carry every function",
                undecided.at, undecided.reason
            ),
        }
    }
}

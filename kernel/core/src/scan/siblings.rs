//! Functions that are left to others by a sibling call: these run on the same caller's frame, so what they do counts.

use super::facts::{At, CallerArea, Facts, Reason, SiblingCall, Undecided, earliest};
use super::{Function, Target, flow};
use alloc::collections::BTreeSet;
use alloc::vec;

/// How many functions are looked at for one.
const MOST_FUNCTIONS: usize = 64;

/// Finds out what `function` does with its caller's frame, itself and in all that it may be left to. `target` says what
/// the address of a branch out of the function is.
#[must_use]
pub fn scan<'c>(function: &Function<'c>, target: &dyn Fn(u64) -> Target<'c>) -> Facts {
    let mut facts = Facts::default();
    let mut seen = BTreeSet::from([function.address]);
    let mut left = vec![(*function, None)];
    while let Some((function, through)) = left.pop() {
        let own = flow::scan(&function);
        let mut unknown = None;
        for mut call in own.sibling_calls.iter().copied() {
            let place = through.unwrap_or(call.at);
            let to = match target(call.target) {
                Target::Function(to) if enters(&to, call.target) => Some(to),
                Target::Function(_) | Target::Unknown => None,
                Target::Stub { saves_toc, to } => {
                    call.saves_toc = saves_toc;
                    to
                }
            };
            call.at = place;
            if !facts.sibling_calls.contains(&call) {
                facts.sibling_calls.push(call);
            }
            let reason = match to {
                Some(to) if seen.contains(&to.address) => continue,
                Some(_) if seen.len() >= MOST_FUNCTIONS => Reason::TooManySiblings,
                Some(to) => {
                    seen.insert(to.address);
                    left.push((
                        to,
                        Some(At {
                            in_sibling: true,
                            ..place
                        }),
                    ));
                    continue;
                }
                None => Reason::UnknownSibling,
            };
            unknown = unknown.or(Some(Undecided { at: place, reason }));
        }
        facts.absorb(&own, through);
        if let Some(unknown) = unknown {
            facts.add_undecided(unknown);
        }
    }
    facts
        .sibling_calls
        .sort_by_key(|call: &SiblingCall| (call.at, call.target));
    facts
}

/// Whether a branch to `address` enters the function at one of its entries.
fn enters(function: &Function<'_>, address: u64) -> bool {
    let local = function.address.wrapping_add(u64::from(function.local_entry));
    address == function.address || address == local
}

impl Facts {
    /// Adds what was found in code that the function is left to at `through`; `None` for its own.
    fn absorb(&mut self, other: &Facts, through: Option<At>) {
        let place = |at: At| through.unwrap_or(at);
        let area = |mine: &mut Option<CallerArea>, theirs: Option<CallerArea>| {
            let Some(theirs) = theirs else { return };
            let theirs = CallerArea {
                first: place(theirs.first),
                ..theirs
            };
            // The same doublewords or others: the larger number is true of one of them.
            *mine = Some(mine.map_or(theirs, |mine| CallerArea {
                doublewords: mine.doublewords.max(theirs.doublewords),
                more: mine.more || theirs.more,
                lowest: mine.lowest.min(theirs.lowest),
                first: mine.first.min(theirs.first),
            }));
        };
        area(&mut self.stack_arguments, other.stack_arguments);
        area(&mut self.register_spill, other.register_spill);
        for (mine, theirs) in [
            (&mut self.toc_save_write, other.toc_save_write),
            (&mut self.reserved_write, other.reserved_write),
            (&mut self.dynamic_frame, other.dynamic_frame),
        ] {
            if let Some(theirs) = theirs {
                earliest(mine, place(theirs));
            }
        }
        for undecided in &other.undecided {
            self.add_undecided(Undecided {
                at: place(undecided.at),
                ..*undecided
            });
        }
    }

    fn add_undecided(&mut self, undecided: Undecided) {
        if !self
            .undecided
            .iter()
            .any(|known| known.reason == undecided.reason)
        {
            self.undecided.push(undecided);
        }
    }
}

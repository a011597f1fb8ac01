//! The words that stand where breakpoints are.
//!
//! A breakpoint is *planted* when the machine goes on and *lifted* when it stops. While it is stopped, code is what the kernel
//! has made it, and what the debugger does itself meets no breakpoint.

use heapless::Vec;

/// What stands where a breakpoint is: `twge r2,r2`, by which GDB knows one on this processor.
pub const BREAKPOINT: u32 = 0x7d82_1008;

/// A breakpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Breakpoint {
    /// Where.
    pub address: u64,
    /// The word that it stands in place of, while it is planted.
    pub instead_of: Option<u32>,
}

/// At most `N` breakpoints.
#[derive(Debug, Default)]
pub struct Breakpoints<const N: usize>(Vec<Breakpoint, N>);

impl<const N: usize> Breakpoints<N> {
    /// None.
    #[must_use]
    pub const fn new() -> Self {
        Breakpoints(Vec::new())
    }

    /// There shall be one at this address, which is a multiple of 4; whether there can be. One that is there is there once.
    pub fn add(&mut self, address: u64) -> bool {
        let new = Breakpoint {
            address,
            instead_of: None,
        };
        self.at(address).is_some() || address % 4 == 0 && self.0.push(new).is_ok()
    }

    /// There shall be none at this address; what stands there has been put back. Whether there was one.
    pub fn remove(&mut self, address: u64) -> bool {
        let place = self.0.iter().position(|breakpoint| breakpoint.address == address);
        place.map(|place| self.0.swap_remove(place)).is_some()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The one at this address.
    #[must_use]
    pub fn at(&self, address: u64) -> Option<&Breakpoint> {
        self.0.iter().find(|breakpoint| breakpoint.address == address)
    }

    /// The word that a planted one at this address stands in place of.
    pub fn instead_of(&mut self, address: u64) -> Option<&mut u32> {
        let mut all = self.0.iter_mut();
        all.find(|breakpoint| breakpoint.address == address)?
            .instead_of
            .as_mut()
    }

    /// Plants all: reads each one's word by `read`, which answers `None` where there is no code any more, and has
    /// [`BREAKPOINT`] put there by `write`.
    pub fn plant(&mut self, mut read: impl FnMut(u64) -> Option<u32>, mut write: impl FnMut(u64, u32)) {
        for breakpoint in self.0.iter_mut().filter(|one| one.instead_of.is_none()) {
            breakpoint.instead_of = read(breakpoint.address);
            if breakpoint.instead_of.is_some() {
                write(breakpoint.address, BREAKPOINT);
            }
        }
    }

    /// Lifts all. Where something else stands by now, somebody has made new code of it, which stays.
    pub fn lift(&mut self, mut read: impl FnMut(u64) -> Option<u32>, mut write: impl FnMut(u64, u32)) {
        for breakpoint in &mut self.0 {
            let Some(word) = breakpoint.instead_of.take() else {
                continue;
            };
            if read(breakpoint.address) == Some(BREAKPOINT) {
                write(breakpoint.address, word);
            }
        }
    }

    /// Forgets all; they have been lifted.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}

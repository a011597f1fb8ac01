//! Bytes of the console. Nobody says when there are some, so somebody has to look.

use alloc::collections::VecDeque;
use core::sync::atomic::{AtomicBool, Ordering};

use kernel_core::shell::INTERRUPT;

use super::Peer;
use crate::{platform, thread};

/// Ticks of the timebase between two looks: 5 ms, which a person at a keyboard does not feel.
const PATIENCE: u64 = arch::time::TICKS_PER_SECOND / 200;

/// What runs has been asked to stop.
static IS_INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// Whether what runs has been asked to stop.
pub(super) fn is_interrupted() -> bool {
    IS_INTERRUPTED.load(Ordering::Relaxed)
}

/// Lets the next command run undisturbed, or asks the one that runs to stop.
pub(super) fn set_interrupted(on: bool) {
    IS_INTERRUPTED.store(on, Ordering::Relaxed);
}

/// The console's bytes.
#[derive(Debug, Default)]
pub(super) struct Input {
    waiting: VecDeque<u8>,
    /// The console is somebody else's.
    is_deaf: bool,
}

impl Input {
    /// What a peer of the shell types.
    pub(super) fn of(peer: Peer) -> Self {
        Input {
            waiting: VecDeque::new(),
            is_deaf: peer == Peer::Debugger,
        }
    }

    /// Takes what has come; answers whether anything had.
    fn look(&mut self) -> bool {
        let mut bytes = [0; 16];
        if self.is_deaf {
            return false;
        }
        let count = platform::read(&mut bytes);
        self.waiting.extend(&bytes[..count]);
        count != 0
    }

    /// The next byte; waits for it, and calls `idle` from time to time meanwhile.
    pub(super) fn next(&mut self, idle: &mut dyn FnMut()) -> u8 {
        loop {
            if let Some(byte) = self.waiting.pop_front() {
                return byte;
            }
            if !self.look() {
                idle();
                thread::sleep(PATIENCE);
            }
        }
    }

    /// Looks whether Ctrl-C has come, behind which everything counts and before which nothing does.
    pub(super) fn look_for_interrupt(&mut self) -> bool {
        while self.look() {}
        let place = self.waiting.iter().rposition(|byte| *byte == INTERRUPT);
        if let Some(place) = place {
            self.waiting.drain(..=place);
        }
        place.is_some()
    }
}

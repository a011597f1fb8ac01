//! Who shall do what when the machine goes on.

use gdbstub::common::Tid;

/// What the debugger wants of the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The thread that executes one instruction.
    pub step: Option<Tid>,
    /// Nobody else does anything meanwhile. Otherwise all others go on.
    pub alone: bool,
    /// The thread that has stopped for a fault is to be dealt with as if there were no debugger. Otherwise it goes on where its
    /// registers say.
    pub deliver: bool,
}

impl Plan {
    /// All go on.
    pub const GO_ON: Plan = Plan {
        step: None,
        alone: false,
        deliver: false,
    };
}

//! A live patch as a user has it: `klp_patch.ko` enables itself when it is loaded, for `klp_target.ko`, which may be there or
//! not. Both come and go, and callers call what there is.

use alloc::format;
use alloc::string::{String, ToString};
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use arch::livepatch::ReturnDesign;
use arch::time::timebase;
use kernel_core::errno::Errno;
use kernel_core::random::Random;
use kernel_core::stress::{Expectation, Goals};

use super::counts::CHANGES;
use super::events::{self, What};
use super::turns::{GLANCE, PATIENCE, wait_for_calls};
use super::{failure, loader};
use crate::livepatch::{self, KlpError};
use crate::module::{self, Reason};
use crate::thread;

const TARGET: &str = "klp_target";
const CALLER: &str = "klp_caller";
const PATCH: &str = "klp_patch";

/// What A reads of its own: in the target, and in an object of its own.
const A_OWN: u64 = 0xaaaa_0000_0000_0001;
const A_OWN_ELSEWHERE: u64 = 0xaaaa_0000_0000_0002;
/// What B and C add to what they make of their arguments.
const B_OWN: u64 = 0xbbbb_0000_0000_0001;
const C_OWN: u64 = 0xcccc_0000_0000_0001;

/// Designs that carry all of the patch.
const DESIGNS: [ReturnDesign; 2] = [ReturnDesign::LivepatchStack, ReturnDesign::ReturnStack];
/// Calls go to the replacements, under whatever design.
const REPLACED: Goals = Goals::replacement(0, 0);

/// `A(x, &result)`: answers what A read of its own.
type CallInC = extern "C" fn(u64, &mut u64) -> u64;

/// An A.
pub(super) struct Row {
    pub(super) name: &'static str,
    module: &'static str,
    own: u64,
    /// How many arguments B gets: x, x + 1, …, of which it makes a sum with weights 1, 2, ….
    arguments: u64,
    address: AtomicU64,
}

const fn row(name: &'static str, module: &'static str, own: u64, arguments: u64) -> Row {
    Row {
        name,
        module,
        own,
        arguments,
        address: AtomicU64::new(0),
    }
}

pub(super) static ROWS: [Row; 5] = [
    row("call_plain", TARGET, A_OWN, 1),
    row("call_ten", TARGET, A_OWN, 10),
    row("call_large", TARGET, A_OWN, 12),
    row("call_variadic", TARGET, A_OWN, 3),
    row("call_from_outside", CALLER, A_OWN_ELSEWHERE, 1),
];

/// Where calls go, while there is somebody to call.
static GOALS: AtomicU64 = AtomicU64::new(0);
/// The target and who calls from elsewhere are loaded, and the rows know where they are.
static IS_THERE: AtomicBool = AtomicBool::new(false);
/// The patch is loaded; it may have been replaced since, or be disabled.
static IS_LOADED: AtomicBool = AtomicBool::new(false);

/// Where calls go; `None` when there is nobody to call.
pub(super) fn goals() -> Option<Goals> {
    IS_THERE
        .load(Ordering::SeqCst)
        .then(|| Goals::from_bits(GOALS.load(Ordering::SeqCst)))
}

fn set_goals(goals: Goals) {
    GOALS.store(goals.bits(), Ordering::SeqCst);
}

/// Nothing is there yet.
pub(super) fn begin() {
    set_goals(Goals::ORIGINAL);
}

/// Another patch is about to replace all: callers may meet the functions themselves. Who asks waits for the calls.
pub(super) fn may_be_replaced() {
    set_goals(Goals::from_bits(GOALS.load(Ordering::SeqCst)).or(Goals::ORIGINAL));
}

/// Another patch has replaced all.
pub(super) fn was_replaced() {
    set_goals(Goals::ORIGINAL);
}

impl Row {
    /// Calls A with this argument; says what was wrong.
    #[allow(
        unsafe_code,
        reason = "a function of a C module is an address until somebody says what its type is"
    )]
    pub(super) fn call(&self, goals: Goals, x: u64) -> Result<u64, String> {
        let address = self.address.load(Ordering::SeqCst) as usize;
        // SAFETY: `klp_target.c` and `klp_caller.c` declare their `call_…` functions with this type.
        let a = unsafe { core::mem::transmute::<usize, CallInC>(address) };
        let mut result = 0;
        let own = a(x, &mut result);
        let sum: u64 = (0..self.arguments).map(|n| (n + 1) * (x + n)).sum();
        let (b, c) = (result == B_OWN + sum, result == C_OWN + sum);
        let right = match goals.expectation() {
            Expectation::Original => b,
            Expectation::Replaced => c,
            Expectation::Either => b || c,
        };
        if right && own == self.own {
            return Ok(result);
        }
        Err(format!(
            "{}({x}), which had to meet {:?}: the call answered {result:#x} (B answers {:#x}, C {:#x}), and A read {own:#x} of its own ({:#x})",
            self.name,
            goals.expectation(),
            B_OWN + sum,
            C_OWN + sum,
            self.own,
        ))
    }
}

/// Makes one change: somebody comes or goes.
pub(super) fn change(random: &mut Random) -> Result<(), String> {
    let (is_there, is_loaded) = (IS_THERE.load(Ordering::SeqCst), IS_LOADED.load(Ordering::SeqCst));
    match (is_there, is_loaded, random.one_in(2)) {
        (false, _, true) => target_comes(),
        (true, _, true) => target_goes(),
        (_, false, false) => patch_comes(random),
        (_, true, false) => patch_goes(),
    }
}

/// What is enabled for the target is applied before its `init_module` runs, so nobody can be wrong about it.
fn target_comes() -> Result<(), String> {
    for name in [TARGET, CALLER] {
        loader::load(name)?;
    }
    for row in &ROWS {
        let module = module::get(row.module).ok_or_else(|| format!("'{}' is not there", row.module))?;
        let symbol = module.symbol(row.name);
        let symbol = symbol.ok_or_else(|| format!("'{}' has no '{}'", row.module, row.name))?;
        row.address.store(symbol.address, Ordering::SeqCst);
    }
    IS_THERE.store(true, Ordering::SeqCst);
    Ok(())
}

fn target_goes() -> Result<(), String> {
    IS_THERE.store(false, Ordering::SeqCst);
    if !wait_for_calls() {
        return Ok(());
    }
    loader::unload(CALLER)?;
    loader::unload(TARGET)
}

/// The patch enables itself, unless another one's transition keeps it from that: then it is not loaded.
fn patch_comes(random: &mut Random) -> Result<(), String> {
    set_goals(Goals::ORIGINAL.or(REPLACED));
    if !wait_for_calls() {
        return Ok(());
    }
    livepatch::set_default_design(random.choose(&DESIGNS));
    let start = timebase();
    loop {
        let file = format!("modules/{PATCH}.ko");
        let bytes = crate::initrd::file(&file).ok_or_else(|| format!("'{file}' is not in the initrd"))?;
        match module::load(&file, bytes) {
            Ok(_) => break,
            Err(error)
                if error.reason
                    == (Reason::Init {
                        status: -Errno::Busy.number(),
                    })
                    && timebase() - start < PATIENCE =>
            {
                CHANGES.refused.up();
            }
            Err(error) => return Err(error.to_string()),
        }
        thread::sleep(GLANCE);
    }
    events::note(What::Load, loader::number(PATCH), 0, 0);
    CHANGES.loaded.up();
    settle()?;
    set_goals(REPLACED);
    IS_LOADED.store(true, Ordering::SeqCst);
    Ok(())
}

fn patch_goes() -> Result<(), String> {
    may_be_replaced();
    if !wait_for_calls() {
        return Ok(());
    }
    let start = timebase();
    loop {
        match livepatch::disable(PATCH) {
            // Another patch has replaced it.
            Ok(()) | Err(KlpError::NotEnabled { .. }) => break,
            Err(KlpError::OtherInTransition { .. }) if timebase() - start < PATIENCE => CHANGES.waited.up(),
            Err(error) => return Err(error.to_string()),
        }
        thread::sleep(GLANCE);
    }
    settle()?;
    set_goals(Goals::ORIGINAL);
    loader::unload(PATCH)?;
    IS_LOADED.store(false, Ordering::SeqCst);
    Ok(())
}

/// Waits until no thread moves to the patch or from it.
fn settle() -> Result<(), String> {
    let start = timebase();
    let moves = || {
        let all = livepatch::enabled();
        all.iter().any(|info| info.name == PATCH && info.is_in_transition)
    };
    while moves() {
        if timebase() - start > PATIENCE && !failure::is_over() {
            let stalls = livepatch::stalled();
            return Err(format!("'{PATCH}' is still in transition: {stalls:?}"));
        }
        thread::sleep(GLANCE);
    }
    Ok(())
}

/// Takes away what is there. For the end: nobody calls any more.
pub(super) fn clear() -> Result<(), String> {
    if IS_LOADED.load(Ordering::SeqCst) {
        patch_goes()?;
    }
    if IS_THERE.load(Ordering::SeqCst) {
        target_goes()?;
    }
    Ok(())
}

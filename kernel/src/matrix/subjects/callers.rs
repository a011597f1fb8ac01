//! How A reaches B.

use core::hint::black_box;
use core::sync::atomic::{AtomicU64, Ordering};

use super::{A_OWN as A_VALUE, B_OWN as B_VALUE, Seen, argument};

/// What A reads after the call.
pub static A_STATIC: AtomicU64 = AtomicU64::new(A_VALUE);
/// What B reads.
pub static B_STATIC: AtomicU64 = AtomicU64::new(B_VALUE);

/// Ends every A: notes what the call returned, and what A reads of its own through r2.
macro_rules! seen {
    ($seen:expr, $result:expr) => {{
        let result = $result;
        *$seen = Seen {
            result,
            own: A_STATIC.load(Ordering::Relaxed),
            toc: arch::abi::toc_pointer(),
        };
    }};
}
pub(super) use seen;

/// B, called by its name.
#[inline(never)]
pub extern "C" fn b_local(one: u64) -> u64 {
    B_STATIC.load(Ordering::Relaxed) + u64::from(one != argument(1))
}

/// A calls B by its name: `bl b`, to the local entry.
#[inline(never)]
pub extern "C" fn a_local(seen: &mut Seen) {
    seen!(seen, b_local(black_box(argument(1))));
}

/// B, called through a pointer.
#[inline(never)]
pub extern "C" fn b_pointer(one: u64) -> u64 {
    B_STATIC.load(Ordering::Relaxed) + u64::from(one != argument(1))
}

/// A calls B through a pointer: `bctrl`, to the global entry, with r2 saved and restored by A.
#[inline(never)]
pub extern "C" fn a_pointer(seen: &mut Seen) {
    seen!(
        seen,
        black_box(b_pointer as extern "C" fn(u64) -> u64)(black_box(argument(1)))
    );
}

/// B without a TOC: it has one entry point and knows nothing of r2.
#[inline(never)]
pub extern "C" fn b_no_toc(one: u64) -> u64 {
    one ^ B_VALUE
}

/// A calls a B without a TOC.
#[inline(never)]
pub extern "C" fn a_no_toc(seen: &mut Seen) {
    seen!(seen, b_no_toc(black_box(argument(1))));
}

//! A of the matrix in Rust, in an object that has neither B nor C: it calls through a stub and restores its own TOC.
#![no_std]

use core::hint::black_box;
use core::sync::atomic::{AtomicU64, Ordering};

use kernel::Errno;
use kernel::matrix::subjects::{A_OWN, Seen, argument, b_chain_1, b_local, b_no_toc, b_pointer, b_sibling, toc_pointer};

/// What A reads of its own.
pub static OWN: AtomicU64 = AtomicU64::new(A_OWN);

/// The A that calls this B with the first argument. See the row of its name in kernel/src/matrix/table.rs.
macro_rules! a_calls {
    ($($a:ident: $b:expr;)+) => {$(
        pub extern "C" fn $a(seen: &mut Seen) {
            let result = $b(black_box(argument(1)));
            *seen = Seen { result, own: OWN.load(Ordering::Relaxed), toc: toc_pointer() };
        }
    )+};
}
a_calls! {
    a_local: b_local;
    a_pointer: black_box(b_pointer as extern "C" fn(u64) -> u64);
    a_no_toc: b_no_toc;
    a_sibling: b_sibling;
    a_chain_1: b_chain_1;
}

fn init() -> Result<(), Errno> {
    Ok(())
}

fn exit() {}

kernel::module! { name: "matrix_caller_rust", license: "MIT OR Apache-2.0", init: init, exit: exit }

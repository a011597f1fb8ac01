//! A of the matrix in Rust, in an object that has neither B nor C: it calls through a stub and restores its own TOC.
#![no_std]

use core::hint::black_box;
use core::sync::atomic::{AtomicU64, Ordering};

use kernel::Errno;
use kernel::matrix::subjects::{A_OWN, Seen, argument, b_local};

static OWN: AtomicU64 = AtomicU64::new(A_OWN);

/// See the row of this name in kernel/src/matrix/table.rs.
pub extern "C" fn a_local(seen: &mut Seen) {
    let result = b_local(black_box(argument(1)));
    *seen = Seen { result, own: OWN.load(Ordering::Relaxed), toc: kernel::situations::toc_pointer() };
}

fn init() -> Result<(), Errno> {
    Ok(())
}

fn exit() {}

kernel::module! { name: "matrix_caller_rust", license: "MIT OR Apache-2.0", init: init, exit: exit }

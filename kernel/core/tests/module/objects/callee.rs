//! The source of `callee.s`, which is what rustc 1.96.0 makes of it for `tools/targets/powerpc64le-tocsin.json` with
//! the kernel's flags, as a crate `callee`:
//!
//!     cargo rustc --release --target powerpc64le-tocsin.json -Zjson-target-spec -Zbuild-std=core -- --emit=asm
//!
//! under RUSTFLAGS="-Zpatchable-function-entry=1 -Csymbol-mangling-version=v0 -Zmerge-functions=disabled", one
//! codegen unit, panic=abort. It is committed because a build of core takes half a minute.

#![no_std]
use core::sync::atomic::{AtomicU64, Ordering};
unsafe extern "C" {
    fn other(x: u64) -> u64;
    static limit: u64;
}
static OWN: AtomicU64 = AtomicU64::new(5);
static HOOK: [unsafe extern "C" fn(u64) -> u64; 2] = [other, exported];
#[inline(never)]
fn private(x: u64) -> u64 {
    OWN.load(Ordering::Relaxed) + x
}
#[inline(never)]
fn leaf(x: u64) -> u64 {
    x ^ 0x55
}
#[unsafe(no_mangle)]
pub unsafe extern "C" fn exported(x: u64) -> u64 {
    // SAFETY: functions of this signature, which do what they say.
    unsafe { HOOK[(x & 1) as usize](private(leaf(x))) }
}
#[unsafe(no_mangle)]
pub extern "C" fn init_module() -> i32 {
    OWN.store(8, Ordering::SeqCst);
    // SAFETY: another module's function of this signature, and its constant.
    (unsafe { other(private(3)) + limit }) as i32
}
#[unsafe(no_mangle)]
pub extern "C" fn cleanup_module() {
    OWN.store(0, Ordering::SeqCst);
}
#[unsafe(no_mangle)]
pub fn name(x: u64) -> &'static str {
    match x {
        0 => "none",
        1 => "mini-frame",
        2 => "caller-frame",
        3 => "livepatch-stack",
        4 => "return-stack",
        _ => "?",
    }
}
#[unsafe(no_mangle)]
pub fn at(values: &[u64], index: usize) -> u64 {
    values[index]
}

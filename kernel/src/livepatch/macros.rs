//! `klp_patch!`: a live patch whose replacements the compiler has compared with what they replace.

/// A live patch of functions of the kernel, for the module of this name, which the replacements are in.
///
/// A replacement that has not the very type of what it replaces is a compile error. That is more than a name can promise, and
/// the reason to prefer this to [`KlpPatch::of_kernel`](crate::livepatch::KlpPatch::of_kernel), which takes functions that
/// are not public as well.
///
/// ```ignore
/// let patch = kernel::klp_patch! { name: "mine", functions: { kernel::situations::b_waits => b_hurries } };
/// kernel::livepatch::enable(patch)?;
/// ```
#[macro_export]
macro_rules! klp_patch {
    (name: $name:literal, functions: { $($old:path => $new:path),+ $(,)? } $(,)?) => {
        $crate::livepatch::KlpPatch {
            module: Some($name.into()),
            ..$crate::livepatch::KlpPatch::of_kernel($name, &[$({
                // Elements of an array have one type: two functions have one only as pointers to the same signature.
                let [_, new] = [$old, $new];
                ($crate::livepatch::path_of(&$old), new as *const () as u64)
            }),+])
        }
    };
}

/// The path under which a function was written, which is its name in the symbol table; for `klp_patch!`.
pub fn path_of<F>(_: &F) -> &'static str {
    core::any::type_name::<F>()
}

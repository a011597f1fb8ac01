//! `module!`: what makes a Rust crate a module.

/// Declares the crate to be a module: its `.modinfo` and its entry points.
///
/// `init` is a `fn() -> Result<(), Errno>`, `exit` a `fn()`; `livepatch: true` marks a live patch, `depends` names modules
/// that must be there first, with commas between them. The build id of the kernel comes from `cargo xtask module`.
///
/// ```ignore
/// #![no_std]
/// kernel::module! { name: "hello", license: "GPL", init: hello, exit: goodbye }
///
/// fn hello() -> Result<(), kernel::Errno> {
///     kernel::println!("hello");
///     Ok(())
/// }
///
/// fn goodbye() {}
/// ```
#[macro_export]
macro_rules! module {
    (
        name: $name:literal, license: $license:literal, $(livepatch: $livepatch:literal,)? $(depends: $depends:literal,)?
        init: $init:path, exit: $exit:path $(,)?
    ) => {
        $crate::module!(@info NAME concat!("name=", $name, "\0"));
        $crate::module!(@info LICENSE concat!("license=", $license, "\0"));
        $crate::module!(@info BUILD_ID concat!("build_id=", env!("TOCSIN_BUILD_ID"), "\0"));
        $($crate::module!(@info LIVEPATCH if $livepatch { "livepatch=Y\0" } else { "" });)?
        $($crate::module!(@info DEPENDS concat!("depends=", $depends, "\0"));)?

        /// Where the kernel starts the module.
        #[unsafe(no_mangle)]
        extern "C" fn init_module() -> i32 {
            let init: fn() -> Result<(), $crate::Errno> = $init;
            init().map_or_else(|error| -error.number(), |()| 0)
        }

        /// Where the kernel ends the module.
        #[unsafe(no_mangle)]
        extern "C" fn cleanup_module() {
            let exit: fn() = $exit;
            exit()
        }
    };
    (@info $constant:ident $text:expr) => {
        const _: () = {
            const TEXT: &str = $text;
            #[used]
            #[unsafe(link_section = ".modinfo")]
            static $constant: [u8; TEXT.len()] = $crate::module::modinfo(TEXT);
        };
    };
}

/// The bytes of a string of `.modinfo`; for `module!`.
pub const fn modinfo<const N: usize>(text: &str) -> [u8; N] {
    let mut bytes = [0; N];
    bytes.copy_from_slice(text.as_bytes());
    bytes
}

//! Tests inside the kernel: cases stand beside what they test and are run one after the other, each in a
//! sacrificial thread of its own, so that a case that faults or hangs is a failure and not the end of the run.

mod runner;

use alloc::string::String;

pub(crate) use runner::run_what_is_asked_for;

/// What a case answers: nothing, or why it failed.
pub type Result = core::result::Result<(), String>;

/// One case, in the link section `.ktest`.
#[derive(Debug)]
pub struct Case {
    /// The module that it stands in.
    pub module: &'static str,
    /// Its own name.
    pub name: &'static str,
    /// Whether it can be run on this machine, or why not.
    pub needs: fn() -> core::result::Result<(), &'static str>,
    /// What it does.
    pub function: fn() -> Result,
}

/// What a case needs that needs nothing.
pub fn nothing() -> core::result::Result<(), &'static str> {
    Ok(())
}

/// Declares cases: functions without arguments whose body answers a [`Result`]. `needs` names a function that says whether
/// the machine has what they need; where it has not, they are skipped, with the reason that it answers.
///
/// ```ignore
/// ktest! {
///     needs memory::protected;
///
///     fn two_and_two() {
///         ensure!(2 + 2 == 4, "2 + 2 is {}", 2 + 2);
///         Ok(())
///     }
/// }
/// ```
#[macro_export]
macro_rules! ktest {
    ($(#[$attribute:meta])* fn $($cases:tt)+) => {
        $crate::ktest! { needs $crate::ktest::nothing; $(#[$attribute])* fn $($cases)+ }
    };
    (needs $needs:path; $($(#[$attribute:meta])* fn $name:ident() $body:block)+) => {$(
        $(#[$attribute])*
        fn $name() -> $crate::ktest::Result {
            #[used]
            #[allow(unsafe_code, reason = "a link section collects the cases")]
            #[unsafe(link_section = ".ktest")]
            static CASE: $crate::ktest::Case = $crate::ktest::Case {
                module: module_path!(),
                name: stringify!($name),
                needs: $needs,
                function: $name,
            };
            $body
        }
    )+};
}

/// Fails the case with a formatted reason unless the condition holds.
#[macro_export]
macro_rules! ensure {
    ($condition:expr, $($reason:tt)+) => {
        if !$condition {
            return Err(::alloc::format!($($reason)+));
        }
    };
}

/// Fails the case, naming both values, unless they are equal.
#[macro_export]
macro_rules! ensure_eq {
    ($found:expr, $wanted:expr, $($what:tt)+) => {
        match ($found, $wanted) {
            (found, wanted) => {
                if found != wanted {
                    return Err(::alloc::format!("{}: found {:#x?}, wanted {:#x?}", ::alloc::format!($($what)+), found, wanted));
                }
            }
        }
    };
}

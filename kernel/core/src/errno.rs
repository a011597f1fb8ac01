//! Linux's error numbers, as far as the kernel reports them.
//!
//! Module entry points return them, and the errors of the kernel carry one beside their text, so that what a user of
//! Linux's tools expects (`EEXIST`, `EBUSY`…) is what comes out.

use core::fmt;

macro_rules! errno {
    ($($variant:ident = $number:literal $name:literal $text:literal,)*) => {
        /// A reason for failure with its number in Linux.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[repr(i32)]
        pub enum Errno {
            $(#[doc = concat!("`", $name, "`: ", $text, ".")] $variant = $number,)*
        }

        impl Errno {
            /// The error of this number, either sign; `None` when it is not one of ours.
            pub const fn from_number(number: i32) -> Option<Errno> {
                match number {
                    $(n if n == $number || n == -$number => Some(Errno::$variant),)*
                    _ => None,
                }
            }

            /// The name, `"EINVAL"`.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Errno::$variant => $name,)*
                }
            }

            /// What Linux's programs print for it, `"Invalid argument"`.
            pub const fn text(self) -> &'static str {
                match self {
                    $(Errno::$variant => $text,)*
                }
            }
        }
    };
}

errno! {
    NotPermitted = 1 "EPERM" "Operation not permitted",
    NoEntry = 2 "ENOENT" "No such file or directory",
    Interrupted = 4 "EINTR" "Interrupted system call",
    TooBig = 7 "E2BIG" "Argument list too long",
    NoExec = 8 "ENOEXEC" "Exec format error",
    Again = 11 "EAGAIN" "Resource temporarily unavailable",
    NoMemory = 12 "ENOMEM" "Cannot allocate memory",
    Access = 13 "EACCES" "Permission denied",
    Busy = 16 "EBUSY" "Device or resource busy",
    Exists = 17 "EEXIST" "File exists",
    NoDevice = 19 "ENODEV" "No such device",
    NotDirectory = 20 "ENOTDIR" "Not a directory",
    IsDirectory = 21 "EISDIR" "Is a directory",
    Invalid = 22 "EINVAL" "Invalid argument",
    NoSpace = 28 "ENOSPC" "No space left on device",
    Range = 34 "ERANGE" "Numerical result out of range",
    NotSupported = 95 "EOPNOTSUPP" "Operation not supported",
}

impl Errno {
    /// The positive number.
    pub const fn number(self) -> i32 {
        self as i32
    }
}

/// Whoever writes what is read gives up when nobody takes it any more.
impl From<fmt::Error> for Errno {
    fn from(_: fmt::Error) -> Self {
        Errno::Interrupted
    }
}

impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_go_both_ways() {
        assert_eq!(Errno::from_number(-16), Some(Errno::Busy));
        assert_eq!(Errno::from_number(16), Some(Errno::Busy));
        assert_eq!(Errno::from_number(0), None);
        assert_eq!(Errno::from_number(i32::MIN), None);
        assert_eq!((Errno::NoExec.number(), Errno::NoExec.name()), (8, "ENOEXEC"));
        assert_eq!(Errno::NoExec.text(), "Exec format error");
    }
}

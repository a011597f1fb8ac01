//! The console.

use core::fmt;

/// Prints a line on the console.
#[macro_export]
macro_rules! println {
    ($($argument:tt)*) => { $crate::console::print(format_args!("{}\n", format_args!($($argument)*))) };
}

struct Console;

impl fmt::Write for Console {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        write(text);
        Ok(())
    }
}

/// Prints.
pub fn print(arguments: fmt::Arguments<'_>) {
    let _ = fmt::Write::write_fmt(&mut Console, arguments);
}

/// Writes.
pub fn write(text: &str) {
    for chunk in text.as_bytes().chunks(16) {
        while arch::hcall::put_terminal_characters(0x7100_0000, chunk) == 1 {}
    }
}

//! The console.
/// Writes.
pub fn write(text: &str) {
    for chunk in text.as_bytes().chunks(16) {
        while arch::hcall::put_terminal_characters(0x7100_0000, chunk) == 1 {}
    }
}

//! What is asked of the firmware before the kernel takes the machine over.

mod open_firmware;

pub use open_firmware::{CallError, Node, OpenFirmware, PropertyName};

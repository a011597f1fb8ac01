//! The stress's pure part: what may come out of a call while patches come and go, and the memory of what happened last.

mod goals;
mod ring;

pub use goals::{Expectation, Goals};
pub use ring::{Digest, Ring};

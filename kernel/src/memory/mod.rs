//! Memory: the kernel's heap, and the area next to the image where modules and hook stubs live.

mod heap;

pub use heap::{heap_in_use, init_heap};

//! What modules in C call. The other side of each is in `kernel/include`.

mod livepatch;
mod printk;

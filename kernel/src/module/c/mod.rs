//! What modules in C call. The other side of each is in `kernel/include`.

mod delay;
mod livepatch;
mod printk;

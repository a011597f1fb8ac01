//! What modules in C call. The other side of each is in `kernel/include`.
//!
//! | file | header |
//! |---|---|
//! | `completion` | `linux/completion.h` |
//! | `delay` | `linux/delay.h`, `linux/sched.h` |
//! | `jiffies` | `linux/jiffies.h` |
//! | `livepatch` | `linux/livepatch.h`: patches |
//! | `mutex` | `linux/mutex.h` |
//! | `printk` | `linux/printk.h` |
//! | `seq_file` | `linux/seq_file.h` |
//! | `shadow` | `linux/livepatch.h`: shadow variables |
//! | `slab` | `linux/slab.h` |
//! | `string` | `linux/string.h`, `snprintf` of `linux/kernel.h` |
//! | `this_module` | `struct module` of `linux/module.h` |
//! | `workqueue` | `linux/workqueue.h` |

mod completion;
mod delay;
mod jiffies;
mod livepatch;
mod mutex;
mod printk;
mod seq_file;
mod shadow;
mod slab;
mod string;
mod tests;
mod this_module;
pub(super) mod workqueue;

pub(crate) use jiffies::update_jiffies;
pub(crate) use seq_file::{SeqFile, read};
pub(super) use this_module::ThisModule;

//! Cases for shadow variables in Rust; those of C are in `tests/modules/klp_shadow.c`.

use alloc::sync::Arc;
use core::sync::atomic::{AtomicUsize, Ordering};

use kernel_core::errno::Errno;

use super::shadow::{alloc, count, free, free_all, get, get_or_alloc};
use crate::module::Snapshot;
use crate::{ensure, ensure_eq, ktest};

const ID: u64 = 0x5ad0;
const OTHER: u64 = 0x5ad1;

static DROPPED: AtomicUsize = AtomicUsize::new(0);

#[derive(Debug)]
struct Counted(u32);

impl Drop for Counted {
    fn drop(&mut self) {
        DROPPED.fetch_add(1, Ordering::Relaxed);
    }
}

ktest! {
    fn a_shadow_variable_comes_and_goes() {
        let before = Snapshot::take();
        let (one, other) = (1u8, 2u8);
        DROPPED.store(0, Ordering::Relaxed);
        ensure!(get::<Counted>(&one, ID).is_none(), "there is one already");
        let made = alloc(&one, ID, || Ok(Counted(7))).map_err(|error| error.text())?;
        let found = get::<Counted>(&one, ID).ok_or("it is not found")?;
        ensure!(Arc::ptr_eq(&made, &found) && found.0 == 7, "another one is found: {found:?}");
        ensure!(get::<Counted>(&other, ID).is_none() && get::<Counted>(&one, OTHER).is_none(), "found elsewhere");
        ensure!(get::<u32>(&one, ID).is_none(), "found as what it is not");
        ensure_eq!(alloc(&one, ID, || Ok(1u32)).err(), Some(Errno::Exists), "a second one");
        ensure_eq!(get_or_alloc(&one, ID, || Ok(1u32)).err(), Some(Errno::Exists), "a second one of another type");
        let same = get_or_alloc(&one, ID, || Err::<Counted, _>(Errno::Invalid)).map_err(|error| error.text())?;
        ensure!(Arc::ptr_eq(&made, &same), "another one was made");
        ensure_eq!(alloc(&other, ID, || Err::<Counted, _>(Errno::NoMemory)).err(), Some(Errno::NoMemory), "refused");
        ensure_eq!(get_or_alloc(&other, ID, || Err::<Counted, _>(Errno::Range)).err(), Some(Errno::Range), "refused");
        ensure!(get::<Counted>(&other, ID).is_none() && count() == 1, "a refused one is there");
        free(&one, ID);
        ensure!(get::<Counted>(&one, ID).is_none() && DROPPED.load(Ordering::Relaxed) == 0, "it went with users");
        drop((made, found, same));
        ensure_eq!(DROPPED.load(Ordering::Relaxed), 1, "drops");
        before.check()
    }

    fn all_of_one_number_go() {
        let objects = [0u8; 5];
        for object in &objects {
            alloc(object, ID, || Ok(Counted(1))).map_err(|error| error.text())?;
            alloc(object, OTHER, || Ok(2u64)).map_err(|error| error.text())?;
        }
        DROPPED.store(0, Ordering::Relaxed);
        free_all(ID);
        let left = (count(), DROPPED.load(Ordering::Relaxed));
        let others = objects.iter().filter(|object| get::<u64>(*object, OTHER).is_some()).count();
        free_all(OTHER);
        ensure_eq!((left, others, count()), ((5, 5), 5, 0), "what is left, and dropped; the others; in the end");
        Ok(())
    }
}

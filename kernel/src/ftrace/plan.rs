//! What is to become of many hooks. All that can fail is done while it is planned, and nothing has changed by then.

use alloc::sync::Arc;
use alloc::vec::Vec;

use arch::ftrace::{FtraceOps, OpsFlags};
use kernel_core::address_map::{AddressMap, Entry};

use super::batch::Batch;
use super::hook::{Hook, Next};
use super::list::Lists;
use super::registry::{Pairs, is_enabled};
use super::retired::{retire_all, retire_many};
use super::{FtraceError, Place, Site};
use crate::kgdb;

/// What is to become of hooks, and what is written for that.
pub(super) struct Plan {
    batch: Batch,
    lists: Lists,
    /// Those that change, by their sites' addresses.
    next: Vec<(u64, Next)>,
    /// The sites of those that go.
    go: Vec<u64>,
}

impl Plan {
    /// An empty one, with room for so many sites.
    pub(super) fn new(most: usize) -> Self {
        Plan {
            batch: Batch::new(is_enabled(), most),
            lists: Lists::default(),
            next: Vec::new(),
            go: Vec::new(),
        }
    }

    /// An ops comes to the hook of each of these. New hooks come behind the others, and nothing leads to them yet.
    pub(super) fn come(
        &mut self,
        hooks: &mut AddressMap<Hook>,
        pairs: Pairs<'_>,
        place: Place,
    ) -> Result<(), FtraceError> {
        let notrace = arch::image::notrace();
        let has_breakpoints = kgdb::has_breakpoints();
        if let Some((site, _)) = pairs.first().filter(|_| !is_enabled()) {
            return Err(FtraceError::Disabled {
                function: site.name(),
            });
        }
        if hooks.is_empty() {
            // There will be one for each.
            hooks.reserve(pairs.len());
            self.batch.reserve_stubs(pairs.len());
        }
        for (site, ops) in pairs {
            if notrace.contains(&site.address) {
                return Err(FtraceError::Notrace {
                    function: site.name(),
                });
            }
            let vacancy = match hooks.entry(site.address) {
                Entry::Vacant(vacancy) => vacancy,
                Entry::Occupied(hook) => {
                    check(hook, ops)?;
                    let list = self.lists.with(Some(hook.list()), ops, place);
                    self.next.push((site.address, hook.plan(list, &mut self.batch)?));
                    continue;
                }
            };
            if has_breakpoints && kgdb::has_breakpoint_at(site.address) {
                return Err(FtraceError::Breakpoint {
                    function: site.name(),
                });
            }
            let list = self.lists.with(None, ops, place);
            vacancy.fill(Hook::new(site, list, &mut self.batch)?);
        }
        Ok(())
    }

    /// An ops goes from the hook of each of these, and with the last one the hook.
    pub(super) fn go(&mut self, hooks: &AddressMap<Hook>, pairs: Pairs<'_>) -> Result<(), FtraceError> {
        self.go.reserve_exact(pairs.len());
        for (site, ops) in pairs {
            let hook = hooks.get(site.address).filter(|hook| hook.list().has(ops));
            let hook = hook.ok_or_else(|| FtraceError::NotThere {
                function: site.name(),
                ops: ops.name,
            })?;
            if hook.ops().len() == 1 {
                hook.switch(false, &mut self.batch)?;
                self.go.push(site.address);
            } else {
                let list = self.lists.without(hook.list(), ops);
                self.next.push((site.address, hook.plan(list, &mut self.batch)?));
            }
        }
        Ok(())
    }

    /// These are led to where their only ops wants them now.
    pub(super) fn lead(&mut self, hooks: &AddressMap<Hook>, sites: &[&Site]) -> Result<(), FtraceError> {
        for site in sites {
            if let Some(hook) = hooks.get(site.address) {
                let next = hook.plan(hook.list().clone(), &mut self.batch)?;
                self.next.push((site.address, next));
            }
        }
        Ok(())
    }

    /// Does it, and frees what is not used any more when nobody can come back to it.
    pub(super) fn carry_out(self, hooks: &mut AddressMap<Hook>) {
        let mut remains = Vec::with_capacity(self.next.len());
        for (site, next) in self.next {
            remains.extend(hooks.get_mut(site).and_then(|hook| hook.adopt(next)));
        }
        self.batch.make();
        retire_all(remains);
        if self.go.len() == hooks.len() {
            let many = hooks.len();
            retire_many(core::mem::take(hooks), many);
        } else {
            let gone: Vec<Hook> = self.go.iter().filter_map(|site| hooks.remove(*site)).collect();
            retire_all(gone);
        }
    }
}

/// Whether `ops` can come to a hook that has others.
fn check(hook: &Hook, ops: &Arc<FtraceOps>) -> Result<(), FtraceError> {
    let function = || hook.site().name();
    if hook.list().has(ops) {
        return Err(FtraceError::AlreadyThere {
            function: function(),
            ops: ops.name,
        });
    }
    let redirects = |ops: &&Arc<FtraceOps>| ops.flags.contains(OpsFlags::IPMODIFY);
    match hook.ops().iter().find(redirects).filter(|_| redirects(&ops)) {
        Some(other) => Err(FtraceError::AlreadyRedirected {
            function: function(),
            by: other.name,
        }),
        None => Ok(()),
    }
}

//! What a linked module looks like: calls, stubs, sites, symbols, data.

use crate::kernel::{BASE, Read, address_of, link, linked};
use crate::tools::{assembly, c, calls, rust};
use kernel_core::insn::{self, NOP, R0, R1, R2, R12};
use kernel_core::module::{
    BuildId, LocalEntry, ModuleFile, ModuleId, ModuleSymbol, RegionKind, STUB_SIZE, SiteShape, StubKind,
};
use kernel_core::symbols::{Binding, Kind};

/// `ld r2,24(r1)`
const RESTORE: u32 = 0xe841_0018;

#[test]
fn regions_follow_one_another_and_hold_what_they_should() {
    for alignment in [1, 16, 4096, 65536] {
        let bytes = calls("medium");
        let file = ModuleFile::parse(&bytes).unwrap();
        let layout = file.lay_out(alignment).unwrap();
        assert_eq!(
            layout.regions.map(|region| region.kind),
            [
                RegionKind::Text,
                RegionKind::Rodata,
                RegionKind::Data,
                RegionKind::Bss
            ]
        );
        let mut end = 0;
        for region in layout.regions {
            assert!(
                region.offset >= end && region.offset - end < layout.alignment,
                "{region:?}"
            );
            assert_eq!(region.offset % alignment, 0, "{region:?}");
            assert_ne!(region.size, 0, "{region:?}");
            end = region.offset + region.size;
        }
        assert_eq!(end, layout.size);
        let linked = file.link(&layout, 0x50_0000, &crate::kernel::Symbols).unwrap();
        assert_eq!(linked.image.len() as u64, layout.size);
        let region = |name: &str| {
            let offset = linked.address(name) - linked.base;
            layout
                .regions
                .iter()
                .find(|r| (r.offset..r.offset + r.size).contains(&offset))
                .unwrap()
                .kind
        };
        assert_eq!(region("calls"), RegionKind::Text);
        assert_eq!(region("secret"), RegionKind::Data);
        assert_eq!(region("zeros"), RegionKind::Bss);
        assert!(
            linked
                .stubs
                .iter()
                .all(|stub| stub.address + STUB_SIZE <= linked.base + layout.regions[0].size)
        );
        assert_eq!(linked.toc, linked.base + layout.regions[2].offset + 0x8000);
    }
}

#[test]
fn stubs_keep_the_toc_and_are_shared() {
    let linked = linked(&calls("medium"));
    let mut stubs: Vec<_> = linked
        .stubs
        .iter()
        .map(|stub| (stub.symbol.as_str(), stub.kind))
        .collect();
    stubs.sort_unstable();
    assert_eq!(
        stubs,
        [("other", StubKind::SaveToc), ("variadic", StubKind::SaveToc)]
    );
    for stub in &linked.stubs {
        assert_eq!(Some(stub.target), address_of(&stub.symbol));
        let words: Vec<u32> = (0..5).map(|n| linked.word(stub.address + 4 * n)).collect();
        let high = (stub.target >> 16) as i16;
        let low = stub.target as u16;
        assert_eq!(
            words,
            [
                insn::std(R2, 24, R1),
                insn::lis(R12, high),
                insn::ori(R12, R12, low),
                insn::mtctr(R12),
                insn::BCTR
            ]
        );
    }
}

/// Every `bl` of a function, as (address, target).
fn branches(linked: &kernel_core::module::Linked, function: &str) -> Vec<(u64, u64)> {
    let symbol = linked
        .symbols
        .iter()
        .find(|symbol| symbol.name == function)
        .unwrap();
    let words = (symbol.address..symbol.address + symbol.size).step_by(4);
    words
        .filter(|&at| insn::is_bl(linked.word(at)))
        .map(|at| (at, linked.target(at)))
        .collect()
}

#[test]
fn calls_go_to_local_entries_or_to_stubs() {
    let linked = linked(&calls("medium"));
    let entry = |name: &str| {
        let symbol = linked.symbols.iter().find(|symbol| symbol.name == name).unwrap();
        symbol.address + u64::from(symbol.local_entry.offset())
    };
    assert_eq!(entry("local"), linked.address("local") + 8);
    assert_eq!(entry("leaf"), linked.address("leaf"), "no TOC, one entry");
    let stub = linked
        .stubs
        .iter()
        .find(|stub| stub.symbol == "other")
        .unwrap()
        .address;
    let all = branches(&linked, "calls");
    for callee in [entry("local"), entry("leaf"), entry("leaf_local"), stub] {
        let calls: Vec<_> = all.iter().filter(|(_, target)| *target == callee).collect();
        assert_eq!(calls.len(), 1, "calls of {callee:#x}");
        let (at, target) = *calls[0];
        assert_eq!(linked.word(at + 4) == RESTORE, target == stub, "{at:#x}");
    }
    assert_eq!(all.len(), 4);
}

#[test]
fn c_sites_are_disarmed_and_recorded() {
    let bytes = calls("medium");
    let linked = linked(&bytes);
    let mut functions: Vec<_> = linked.sites.iter().map(|site| site.function.as_str()).collect();
    functions.sort_unstable();
    let all = [
        "calls",
        "cleanup_module",
        "init_module",
        "leaf",
        "leaf_local",
        "local",
        "strings",
        "through_pointer",
    ];
    assert_eq!(functions, all);
    for site in &linked.sites {
        assert_eq!(site.shape, SiteShape::MflrBl);
        assert_eq!(site.entry, linked.address(&site.function));
        assert_eq!(
            [linked.word(site.address - 4), linked.word(site.address)],
            [insn::mflr(R0), NOP]
        );
        let symbol = linked
            .symbols
            .iter()
            .find(|symbol| symbol.name == site.function)
            .unwrap();
        assert_eq!(
            site.address,
            symbol.address + u64::from(symbol.local_entry.offset()) + 4
        );
        assert_eq!(
            symbol.as_symbol().site_address(),
            Some(site.address - 4),
            "its first slot"
        );
    }
    assert!(!linked.stubs.iter().any(|stub| stub.symbol == "_mcount"));
}

#[test]
fn three_slot_sites_are_recorded() {
    let linked = linked(&assembly(
        "f: addis 2,12,.TOC.-f@ha
            addi 2,2,.TOC.-f@l
            .localentry f,.-f
            mflr 0
            std 0,16(1)
            bl _mcount
            blr
            .type f,@function
            .size f,.-f",
    ));
    let site = &linked.sites[0];
    assert_eq!((site.function.as_str(), site.shape), ("f", SiteShape::MflrStdBl));
    assert_eq!((site.entry, site.address), (BASE, BASE + 16));
    assert_eq!(linked.word(BASE + 16), NOP);
}

#[test]
fn rust_sites_are_at_the_local_entry() {
    let linked = linked(&rust());
    let is_function = |symbol: &&ModuleSymbol| symbol.kind == Kind::Function;
    let functions = linked.symbols.iter().filter(is_function).count();
    assert_eq!(linked.sites.len(), functions);
    assert!(functions >= 6, "{functions}");
    for site in &linked.sites {
        assert_eq!(
            (site.shape, linked.word(site.address)),
            (SiteShape::OneNop, NOP),
            "{}",
            site.function
        );
    }
    let at = |name: &str| {
        linked
            .sites
            .iter()
            .find(|site| site.function.contains(name))
            .unwrap()
    };
    assert_eq!(at("init_module").address, at("init_module").entry + 8);
    assert_eq!(at("4leaf").address, at("4leaf").entry, "no TOC, one entry");
}

#[test]
fn symbols_say_what_they_are() {
    let bytes = calls("medium");
    let file = ModuleFile::parse(&bytes).unwrap();
    assert_eq!((file.info.name.as_str(), file.info.livepatch), ("calls", false));
    assert_eq!(
        file.info.build_id,
        BuildId::from_hex("000102030405060708090a0b0c0d0e0f10111213")
    );
    let linked = linked(&bytes);
    let symbol = |name: &str| linked.symbols.iter().find(|symbol| symbol.name == name).unwrap();
    assert_eq!(
        (symbol("calls").kind, symbol("calls").binding),
        (Kind::Function, Binding::Global)
    );
    assert_eq!(
        (symbol("local").kind, symbol("local").binding),
        (Kind::Function, Binding::Local)
    );
    assert_eq!((symbol("zeros").kind, symbol("zeros").size), (Kind::Object, 800));
    assert_eq!(symbol("local").local_entry, LocalEntry::Behind(8));
    assert_eq!(symbol("leaf").local_entry, LocalEntry::Same);
    assert_eq!(linked.init, Some(symbol("init_module").address));
    assert_eq!(linked.exit, Some(symbol("cleanup_module").address));
    assert!(linked.symbols.is_sorted_by_key(|symbol| symbol.address));
}

#[test]
fn rust_names_are_demangled() {
    let linked = linked(&rust());
    let paths: Vec<_> = linked.symbols.iter().map(|symbol| symbol.path.as_str()).collect();
    for path in ["callee::private", "callee::leaf", "init_module"] {
        assert!(paths.contains(&path), "{path} in {paths:?}");
    }
    assert!(
        paths.iter().any(|path| path.starts_with("callee::OWN")),
        "{paths:?}"
    );
}

#[test]
fn pointers_hold_global_entries_and_weak_ones_zero() {
    for model in ["small", "medium"] {
        let linked = linked(&calls(model));
        let table = linked.address("table");
        let values: Vec<u64> = (0..4).map(|n| linked.doubleword(table + 8 * n)).collect();
        let [leaf, local, calls] = ["leaf", "local", "calls"].map(|name| linked.address(name));
        assert_eq!(values, [leaf, local, calls, address_of("other").unwrap()]);
        let pointers = linked.address("pointers");
        let values: Vec<u64> = (0..5).map(|n| linked.doubleword(pointers + 8 * n)).collect();
        let [shared, secret, zeros] = ["shared", "secret", "zeros"].map(|name| linked.address(name));
        assert_eq!(
            values,
            [shared, secret, address_of("other_value").unwrap(), zeros + 400, 0]
        );
    }
}

#[test]
fn a_module_without_a_toc_section_has_a_toc_pointer() {
    let object = assembly(
        "f: addis 2,12,.TOC.-f@ha
            addi 2,2,.TOC.-f@l
            blr
            .data
            .quad .TOC.@tocbase",
    );
    let (layout, linked) = link(&object).unwrap();
    assert_eq!(linked.toc, BASE + layout.regions[2].offset + 0x8000);
    assert_eq!(linked.doubleword(linked.toc - 0x8000), linked.toc, "R_PPC64_TOC");
    let [high, low] = [0, 4].map(|at| i64::from(linked.word(BASE + at) as u16 as i16));
    assert_eq!(BASE.wrapping_add_signed((high << 16) + low), linked.toc);
}

#[test]
fn tail_calls_go_through_stubs_that_keep_the_toc() {
    let linked = linked(&assembly("f: b other\n bl keeps_toc\n bl other\n nop\n g: b f"));
    let stub = |symbol: &str, kind| {
        let of = |stub: &&kernel_core::module::Stub| stub.symbol == symbol && stub.kind == kind;
        linked.stubs.iter().find(of).unwrap().address
    };
    assert_eq!(linked.target(BASE), stub("other", StubKind::SaveToc));
    assert_eq!(
        linked.target(BASE + 4),
        stub("keeps_toc", StubKind::Plain),
        "no nop, but it keeps r2"
    );
    assert_eq!(linked.target(BASE + 8), stub("other", StubKind::SaveToc));
    assert_eq!(linked.word(BASE + 12), RESTORE);
    assert_eq!(linked.target(BASE + 16), BASE);
    assert_eq!(linked.stubs.len(), 2);
    let plain = stub("keeps_toc", StubKind::Plain);
    assert_eq!(linked.word(plain + 12), insn::BCTR);
}

#[test]
fn imports_name_each_module_once() {
    let linked = linked(&assembly(
        "f: bl other_module\n nop\n bl other_module\n nop\n bl other\n nop",
    ));
    assert_eq!(linked.imports, [ModuleId(7)]);
}

#[test]
fn pc_relative_code_links() {
    let source = include_str!("objects/calls.c");
    let linked = linked(&c(source, &["-mcpu=power10", "-mpcrel"]));
    assert!(linked.stubs.iter().all(|stub| stub.kind == StubKind::Plain));
    assert!(!linked.stubs.is_empty());
    assert_eq!(linked.sites.len(), 8, "bl _mcount@notoc is a site too");
}

#[test]
fn pc_relative_code_finds_addresses_in_the_got() {
    let linked = linked(&assembly(
        "f: pld 3,other_value@got@pcrel\n pld 4,g@got@pcrel\n g: blr",
    ));
    let loaded = |at: u64| {
        let high = ((linked.word(at) & 0x3_ffff) << 14) as i32 >> 14;
        let distance = i64::from(high) << 16 | i64::from(linked.word(at + 4) as u16);
        linked.doubleword(at.wrapping_add_signed(distance))
    };
    assert_eq!(Some(loaded(BASE)), address_of("other_value"));
    assert_eq!(loaded(BASE + 8), BASE + 16);
}

#[test]
fn modinfo_may_be_in_several_sections() {
    let strings = "blr\n .section .modinfo,\"a\",@progbits,unique,1\n .asciz \"livepatch=Y\"\n\
        .section .modinfo,\"a\",@progbits,unique,2\n .asciz \"depends=other\"";
    let bytes = assembly(strings);
    let info = ModuleFile::parse(&bytes).unwrap().info;
    assert_eq!(
        (info.name.as_str(), info.livepatch, info.depends),
        ("assembly", true, vec!["other".into()])
    );
}

//! The kernel's compressed symbol table says of every symbol what the linker's own says.

use end_to_end::image::{Image, Symbol};
use end_to_end::{finish, root, xtask};
use kernel_core::symbols::SymbolTable;
use std::collections::BTreeMap;

#[test]
fn every_function_is_found_by_name_by_path_and_by_address() {
    let built = finish(xtask().arg("build"));
    built.expect(0, &[]);
    let path = built.output.split(": rustc").next().unwrap_or_default().trim();
    let image = Image::read(&root().join(path)).expect("the image was built just now");
    let table = SymbolTable::parse(&image.kallsyms.bytes).expect("the image has a table");

    let mut by_name: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
    let mut by_path: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    let functions: Vec<&Symbol> = image.symbols.iter().filter(|symbol| symbol.is_function).collect();
    for function in &functions {
        by_name.entry(&function.name).or_default().push(function.address);
        let path = rustc_demangle::try_demangle(&function.name)
            .map_or_else(|_| function.name.clone(), |path| format!("{path:#}"));
        by_path.entry(path).or_default().push(function.address);
    }
    assert!(functions.len() > 5000, "only {} functions", functions.len());

    let found = |name: &str| -> Vec<u64> { table.named(name).map(|symbol| symbol.address).collect() };
    for (name, addresses) in by_name {
        assert_eq!(found(name), addresses, "{name}");
        // What only begins so is none.
        assert_eq!(found(&format!("{name}?")), [], "{name} and more");
    }
    for (path, addresses) in &by_path {
        assert_eq!(&found(path), addresses, "{path}");
    }
    let mut lines = 0;
    for function in functions.iter().filter(|function| function.size != 0) {
        let (symbol, offset) = table
            .at(function.address + function.size - 4)
            .expect("it is code");
        assert_eq!(symbol.address + offset, function.address + function.size - 4);
        assert!(
            symbol.address >= function.address,
            "{} is in {}",
            function.name,
            symbol.name
        );
        lines += usize::from(table.line(function.address).is_some());
    }
    assert!(
        lines * 2 > functions.len(),
        "only {lines} of {} have lines",
        functions.len()
    );
    assert_eq!(table.iter().count(), table.len(), "every record can be read");
    println!("{} symbols in {} bytes", table.len(), image.kallsyms.bytes.len());
}

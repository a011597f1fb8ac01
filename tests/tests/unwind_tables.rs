//! All code has unwind tables: every instruction of every function, and of the assembly every instruction whatever.

use end_to_end::image::Image;
use end_to_end::unwinder::Tables;
use end_to_end::{finish, root, xtask};
use std::fs;
use std::path::Path;

/// What fills the room between two functions: nothing, `nop`, and what the linker puts after a call at a function's end.
const FILLERS: [u32; 2] = [0, 0x6000_0000];

/// Fails with the instructions that no table has, of those between two addresses.
#[track_caller]
fn all_of(image: &Image, covered: &dyn Fn(u64) -> bool, start: u64, end: u64, is_filler: bool) -> usize {
    let mut missing = Vec::new();
    for address in (start..end).step_by(4).filter(|address| !covered(*address)) {
        let word = image.word(address).expect("it is code");
        if !(is_filler && FILLERS.contains(&word)) {
            missing.push(format!("{address:#x} {} {word:08x}", image.name_of(address)));
        }
    }
    assert!(missing.is_empty(), "no table has\n{}", missing.join("\n"));
    ((end - start) / 4) as usize
}

fn image_of(abi: &str) -> Image {
    let built = finish(xtask().args(["build", "--abi", abi]));
    built.expect(0, &[]);
    let path = built.output.split(": rustc").next().unwrap_or_default().trim();
    Image::read(&root().join(path)).expect("the image was built just now")
}

#[test]
fn every_instruction_of_the_kernel_has_one() {
    let image = image_of("toc");
    let tables = Tables::of(&image).expect("the tables are sound");
    let ranges: Vec<_> = tables.ranges().cloned().collect();
    assert!(
        ranges.windows(2).all(|pair| pair[0].end <= pair[1].start),
        "two tables for one instruction"
    );
    let covered = |address: u64| {
        let behind = ranges.partition_point(|range| range.start <= address);
        behind != 0 && ranges[behind - 1].contains(&address)
    };

    // Functions of the compiler, and those of the assembly that say so.
    let functions: Vec<_> = image.symbols.iter().filter(|symbol| symbol.is_function).collect();
    let in_functions: usize = functions
        .iter()
        .map(|function| {
            all_of(
                &image,
                &covered,
                function.address,
                function.address + function.size,
                false,
            )
        })
        .sum();
    assert!(functions.len() > 5000, "only {} functions", functions.len());

    // Whatever stands where assembly does, function or not.
    let start = image.between("__text_start", "__trampolines_start");
    let trampolines = image.between("__trampolines_start", "__trampolines_end");
    let notrace = image.between("__trampolines_end", "__notrace_end");
    let in_assembly: usize = [start, trampolines, notrace]
        .iter()
        .map(|range| all_of(&image, &covered, range.start, range.end, true))
        .sum();

    // And every name that an assembly file gives to code is in one of them.
    let mut names = Vec::new();
    names_in(&root().join("arch/ppc64/src"), &mut names);
    assert!(names.len() > 20, "{names:?}");
    for name in &names {
        let address = image.address(name);
        assert!(covered(address), "no table has {name}");
    }
    println!(
        "{in_functions} instructions in {} functions, {in_assembly} in the sections of assembly, {} names of assembly",
        functions.len(),
        names.len()
    );
}

/// The names of code that the assembly files below a folder make known.
fn names_in(folder: &Path, names: &mut Vec<String>) {
    for entry in fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("it can be read").path();
        if path.is_dir() {
            names_in(&path, names);
        } else if path.extension().is_some_and(|extension| extension == "S") {
            let text = fs::read_to_string(&path).expect("assembly is text");
            let found = text.lines().filter_map(|line| line.trim().strip_prefix(".type "));
            let functions = found.filter_map(|rest| rest.split_once(", @function"));
            names.extend(
                functions
                    .map(|(name, _)| name.trim().to_owned())
                    .filter(|name| !name.starts_with('\\')),
            );
        }
    }
}

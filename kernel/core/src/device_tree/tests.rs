//! Trees as QEMU makes them, and broken ones.

use super::*;
use alloc::vec::Vec;

/// A small tree with QEMU's peculiarities: names of more than 31 characters, CPUs named by their kind.
fn pseries(arguments: &[u8]) -> Vec<u8> {
    let mut buffer = vec![0xa5; 8192];
    let size = write(&mut buffer, arguments).unwrap();
    buffer.truncate(size);
    buffer
}

fn write(buffer: &mut [u8], arguments: &[u8]) -> Result<usize, FlattenError> {
    fn set(tree: &mut Flattener<'_>, name: &str, value: &[u8]) -> Result<(), FlattenError> {
        tree.property(name, value.len())?.copy_from_slice(value);
        Ok(())
    }
    let mut tree = Flattener::new(buffer)?;
    tree.begin_node("")?;
    set(&mut tree, "#address-cells", &[0, 0, 0, 2])?;
    set(&mut tree, "#size-cells", &[0, 0, 0, 2])?;
    set(&mut tree, "model", b"IBM pSeries (emulated by qemu)\0")?;
    set(
        &mut tree,
        "ibm,a-property-with-a-name-longer-than-thirty-one",
        &[],
    )?;
    tree.begin_node("chosen")?;
    set(&mut tree, "bootargs", arguments)?;
    set(&mut tree, "linux,initrd-start", &0x0200_0000u32.to_be_bytes())?;
    set(&mut tree, "linux,initrd-end", &0x0200_1234u32.to_be_bytes())?;
    set(&mut tree, "stdout-path", b"/vdevice/vty@71000001\0")?;
    tree.end_node()?;
    for (address, size) in [(0x1000_0000u64, 0x1000_0000u64), (0, 0x1000_0000)] {
        tree.begin_node(&format!("memory@{address:x}"))?;
        set(&mut tree, "device_type", b"memory\0")?;
        set(
            &mut tree,
            "reg",
            [address.to_be_bytes(), size.to_be_bytes()].as_flattened(),
        )?;
        tree.end_node()?;
    }
    tree.begin_node("cpus")?;
    set(&mut tree, "#address-cells", &[0, 0, 0, 1])?;
    set(&mut tree, "#size-cells", &[0; 4])?;
    for cpu in [1u8, 0] {
        tree.begin_node(&format!("PowerPC,POWER9@{}", 8 * cpu))?;
        set(&mut tree, "device_type", b"cpu\0")?;
        set(&mut tree, "reg", &[0, 0, 0, 8 * cpu])?;
        set(
            &mut tree,
            "ibm,ppc-interrupt-server#s",
            &[0, 0, 0, 8 * cpu, 0, 0, 0, 8 * cpu + 1],
        )?;
        set(&mut tree, "timebase-frequency", &512_000_000u32.to_be_bytes())?;
        tree.end_node()?;
    }
    tree.end_node()?;
    tree.begin_node("rtas")?;
    set(&mut tree, "power-off", &[0, 0, 0x20, 7])?;
    set(&mut tree, "ibm,os-term", &[0, 0, 0x20, 0x1f])?;
    set(&mut tree, "start-cpu", &[0, 0, 0x20, 0x0a])?;
    tree.end_node()?;
    tree.begin_node("vdevice")?;
    for unit in [0u8, 1] {
        tree.begin_node(&format!("vty@7100000{unit}"))?;
        set(&mut tree, "device_type", b"serial\0")?;
        set(&mut tree, "reg", &[0x71, 0, 0, unit])?;
        tree.end_node()?;
    }
    tree.end_node()?;
    tree.end_node()?;
    tree.finish()
}

#[test]
fn a_machine_is_read_from_what_was_written() {
    let bytes = pseries(b"log=debug case=a*\0");
    assert_eq!(
        bytes.len(),
        total_size(bytes.first_chunk().unwrap()).unwrap() as usize
    );
    let tree = DeviceTree::parse(&bytes).unwrap();
    let machine = Machine::read(&tree).unwrap();
    assert_eq!(machine.model, "IBM pSeries (emulated by qemu)");
    assert_eq!(machine.cpu, "PowerPC,POWER9");
    assert_eq!(machine.servers, [[0, 1], [8, 9]]);
    assert_eq!(cpu_count(&tree), Ok(4));
    assert_eq!(machine.memory, [0..0x1000_0000, 0x1000_0000..0x2000_0000]);
    assert_eq!(machine.memory_size(), 0x2000_0000);
    assert_eq!(machine.boot_arguments, "log=debug case=a*");
    assert_eq!(machine.initrd, Some(0x0200_0000..0x0200_1234));
    assert_eq!(machine.timebase_frequency, Some(512_000_000));
    assert_eq!(
        machine.platform,
        Platform::Pseries {
            terminal: 0x7100_0001,
            rtas: Rtas {
                power_off: Some(0x2007),
                os_term: Some(0x201f),
                start_cpu: Some(0x200a),
                query_cpu_stopped_state: None,
            }
        }
    );
    assert_eq!(tree.first_memory(), Ok(0..0x1000_0000));
}

/// A tree with nothing but OPAL, which has these properties.
fn powernv(properties: &[(&str, u64)]) -> Vec<u8> {
    let mut buffer = vec![0; 1024];
    let mut tree = Flattener::new(&mut buffer).unwrap();
    tree.begin_node("").unwrap();
    tree.begin_node("ibm,opal").unwrap();
    for (name, value) in properties {
        tree.property(name, 8)
            .unwrap()
            .copy_from_slice(&value.to_be_bytes());
    }
    tree.end_node().unwrap();
    tree.end_node().unwrap();
    let size = tree.finish().unwrap();
    buffer.truncate(size);
    buffer
}

/// A tree with one CPU, which has this property, and a node beside it.
fn one_cpu(property: Option<&str>, node: Option<[&str; 2]>) -> Result<Vec<u8>, FlattenError> {
    let mut buffer = vec![0; 1024];
    let mut tree = Flattener::new(&mut buffer)?;
    tree.begin_node("")?;
    tree.begin_node("cpus")?;
    tree.begin_node("PowerPC,POWER9@0")?;
    tree.property("device_type", 4)?.copy_from_slice(b"cpu\0");
    tree.property("reg", 4)?.copy_from_slice(&[0; 4]);
    if let Some(name) = property {
        tree.property(name, 4)?.copy_from_slice(&[0, 0, 0, 12]);
    }
    tree.end_node()?;
    for name in node.iter().flatten() {
        tree.begin_node(name)?;
    }
    for _ in node.iter().flatten() {
        tree.end_node()?;
    }
    tree.end_node()?;
    tree.end_node()?;
    let size = tree.finish()?;
    buffer.truncate(size);
    Ok(buffer)
}

#[test]
fn radix_tables_are_known_by_a_property_of_the_cpu_or_by_a_node_of_skiboots() {
    let has_radix = |property, node| {
        let bytes = one_cpu(property, node).unwrap();
        let tree = DeviceTree::parse(&bytes).unwrap();
        Machine::read(&tree).unwrap().has_radix
    };
    let features = "ibm,powerpc-cpu-features";
    assert!(has_radix(Some("ibm,processor-radix-AP-encodings"), None));
    assert!(has_radix(None, Some([features, "mmu-radix"])));
    assert!(!has_radix(None, Some([features, "mmu-hash"])));
    assert!(!has_radix(Some("ibm,processor-segment-sizes"), None));
}

#[test]
fn a_tree_with_opal_has_no_hypervisor() {
    let base = ("opal-base-address", 0x3000_0000);
    let bytes = powernv(&[base, ("opal-entry-address", 0x3000_3760)]);
    assert_eq!(
        DeviceTree::parse(&bytes).unwrap().platform(),
        Ok(Platform::PowerNv {
            base: 0x3000_0000,
            entry: 0x3000_3760
        })
    );
    let bytes = powernv(&[base]);
    let error = DeviceTree::parse(&bytes).unwrap().platform().unwrap_err();
    assert_eq!(
        format!("{error}"),
        "node 'ibm,opal', property 'opal-entry-address': missing"
    );
}

/// The bytes of a tree whose reservation map is `pairs`, put behind its end.
fn reserving(pairs: &[[u64; 2]]) -> Vec<u8> {
    let mut bytes = powernv(&[]);
    bytes.resize(bytes.len().next_multiple_of(8), 0);
    let map = bytes.len() as u32;
    bytes.extend(
        pairs
            .as_flattened()
            .iter()
            .flat_map(|number| number.to_be_bytes()),
    );
    for (field, value) in [
        (header::TOTAL_SIZE, bytes.len() as u32),
        (header::RESERVATIONS, map),
    ] {
        bytes[4 * field..][..4].copy_from_slice(&value.to_be_bytes());
    }
    bytes
}

#[test]
fn what_the_firmware_keeps_is_read_to_its_end() {
    let bytes = reserving(&[[0x3000_0000, 0x60_0000], [u64::MAX, 2], [0, 0]]);
    let tree = DeviceTree::parse(&bytes).unwrap();
    let reserved: Vec<_> = tree.reserved().collect();
    assert_eq!(reserved, [0x3000_0000..0x3060_0000, u64::MAX..u64::MAX]);
    let bytes = reserving(&[[0x3000_0000, 0x60_0000]]);
    let message = format!("{}", check(&bytes).unwrap_err());
    assert!(message.ends_with("has no end"), "{message}");
}

#[test]
fn bytes_around_the_tree_do_not_matter() {
    let mut bytes = pseries(b"x=1\0");
    let length = bytes.len();
    bytes.extend([0xff; 100]);
    assert_eq!(check(&bytes).unwrap().len(), length);
}

#[test]
fn arguments_need_no_end_but_must_be_text() {
    let bytes = pseries(b"log=info");
    assert_eq!(
        DeviceTree::parse(&bytes).unwrap().boot_arguments(),
        Ok("log=info")
    );
    let bytes = pseries(&[0xff, 0xfe, 0]);
    let error = DeviceTree::parse(&bytes).unwrap().boot_arguments().unwrap_err();
    assert_eq!(
        format!("{error}"),
        "node 'chosen', property 'bootargs': not a text"
    );
}

#[test]
fn an_error_names_node_property_and_reason() {
    let mut bytes = pseries(b"\0");
    let at = bytes
        .windows(8)
        .position(|window| window == [0, 0, 0, 4, 0, 0, 0, 0])
        .unwrap();
    // `#address-cells` of the root, the first property with four bytes, says 9.
    bytes[at + 11] = 9;
    let tree = DeviceTree::parse(&bytes).unwrap();
    assert_eq!(
        format!("{}", Machine::read(&tree).unwrap_err()),
        "node '/', property '#address-cells': 9 cells are no address or size"
    );
    assert_eq!(
        format!(
            "{}",
            check(b"not a tree, but long enough for a header").unwrap_err()
        ),
        "node '/': the tree begins with 0x6e6f7420, not with 0xd00dfeed"
    );
}

#[test]
fn a_truncated_tree_is_refused_at_every_length() {
    let bytes = pseries(b"log=info\0");
    for length in 0..bytes.len() {
        assert!(check(&bytes[..length]).is_err(), "{length} bytes");
    }
}

/// Whatever [`check`] lets pass is read without a panic: a ten thousand trees with some bytes changed.
#[test]
fn a_damaged_tree_is_refused_or_read() {
    let original = pseries(b"log=info\0");
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut random = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below as u64) as usize
    };
    let (mut refused, mut read) = (0, 0);
    for _ in 0..10_000 {
        let mut bytes = original.clone();
        for _ in 0..=random(4) {
            let at = random(bytes.len());
            bytes[at] = if random(2) == 0 {
                random(256) as u8
            } else {
                random(12) as u8
            };
        }
        match DeviceTree::parse(&bytes) {
            Ok(tree) => {
                let _ = Machine::read(&tree).map_err(|error| format!("{error}"));
                let _ = tree.first_memory();
                let _ = (tree.platform(), tree.reserved().count());
                read += 1;
            }
            Err(error) => {
                assert!(!format!("{error}").is_empty());
                refused += 1;
            }
        }
    }
    assert!(refused > 100 && read > 100, "refused {refused}, read {read}");
}

#[test]
fn a_buffer_that_is_too_small_is_an_error() {
    let needed = pseries(b"\0").len();
    for length in 0..needed {
        assert!(write(&mut vec![0; length], b"\0").is_err(), "{length} bytes");
    }
    assert!(write(&mut vec![0; 2 * needed], b"\0").is_ok());
    assert_eq!(
        Flattener::new(&mut [0; 256]).unwrap().end_node(),
        Err(FlattenError::Unbalanced)
    );
}

//! Format strings beside what C makes of them.

use super::*;

/// Arguments from a list; addresses are 1 + an index in a list of strings.
struct List<'a>(Vec<u64>, &'a [&'a str], usize);

impl Arguments for List<'_> {
    fn next(&mut self) -> u64 {
        self.2 += 1;
        self.0.get(self.2 - 1).copied().unwrap_or(0xdead)
    }

    fn string(&self, address: u64, limit: usize) -> &[u8] {
        let bytes = self.1[address as usize - 1].as_bytes();
        &bytes[..bytes.len().min(limit)]
    }

    fn bytes(&self, address: u64, count: usize) -> &[u8] {
        &self.1[address as usize - 1].as_bytes()[..count]
    }

    fn symbol(&self, out: &mut dyn Write, address: u64, with_offset: bool) -> Result {
        write!(out, "f{}", address >> 8)?;
        if with_offset {
            write!(out, "+{:#x}/0x100", address & 0xff)
        } else {
            Ok(())
        }
    }
}

/// The text, and how many arguments were read.
fn formatted(format: &str, arguments: &[u64], strings: &[&str]) -> (String, usize) {
    let mut list = List(arguments.to_vec(), strings, 0);
    let mut out = String::new();
    write(&mut out, format.as_bytes(), &mut list).unwrap();
    (out, list.2)
}

#[test]
fn as_in_c() {
    let minus = -5i64 as u64;
    for (format, arguments, expected) in [
        ("plain", &[][..], "plain"),
        ("%d %i", &[5, minus], "5 -5"),
        ("%d", &[0xffff_ffff], "-1"),
        ("%u", &[minus], "4294967291"),
        ("%ld %lld", &[minus, 1 << 63], "-5 -9223372036854775808"),
        ("%lu %zu", &[u64::MAX, 7], "18446744073709551615 7"),
        ("%hhd %hu", &[0x1ff, 0x1_2345], "-1 9029"),
        ("%x %X %#lx %#x", &[255, 255, 0xabc, 0], "ff FF 0xabc 0"),
        ("%o", &[8], "10"),
        ("%p", &[0x40_1000], "0000000000401000"),
        (
            "[%5d|%-5d|%05d|%+d|% d]",
            &[42, 42, minus, 42, 42],
            "[   42|42   |-0005|+42| 42]",
        ),
        ("[%*d|%-*d]", &[4, 1, 4, 2], "[   1|2   ]"),
        ("[%.3d|%5.2x]", &[7, 10], "[007|   0a]"),
        ("%c%c", &[b'o'.into(), b'k'.into()], "ok"),
        ("100%%", &[], "100%"),
    ] {
        assert_eq!(
            formatted(format, arguments, &[]),
            (expected.into(), arguments.len()),
            "{format}"
        );
    }
}

#[test]
fn strings() {
    let text = formatted("[%s|%6s|%-6s|%.2s|%s]", &[1, 2, 2, 1, 0], &["tocsin", "abc"]);
    assert_eq!(text, ("[tocsin|   abc|abc   |to|(null)]".into(), 5));
}

#[test]
fn nonsense_is_printed_as_it_is_and_reads_nothing() {
    for format in ["%", "%y", "%5", "a %-", "%l", "%q %"] {
        assert_eq!(formatted(format, &[1], &[]), (format.into(), 0));
    }
    let (text, read) = formatted("%99999999999999999999d", &[1], &[]);
    assert_eq!((text.len(), read), (LIMIT, 1));
    let mut out = String::new();
    write(&mut out, b"a\xff%d", &mut List(vec![1], &[], 0)).unwrap();
    assert_eq!(out, "a\\xff1");
}

#[test]
fn pointers() {
    for (format, arguments, expected) in [
        (
            "%px|%pK|%p",
            &[0x1234, 0x1234, 0][..],
            "0000000000001234|0000000000001234|0000000000000000",
        ),
        ("[%20p]", &[0xabc], "[    0000000000000abc]"),
        (
            "%ps %pS %pB",
            &[0x710, 0x710, 0x711],
            "f7 f7+0x10/0x100 f7+0x10/0x100",
        ),
        ("[%8ps|%-8pS]", &[0x710, 0x720], "[      f7|f7+0x20/0x100]"),
        ("%pe %pe", &[-12i64 as u64, -4095i64 as u64], "-ENOMEM -4095"),
        ("%pe", &[0x4000], "0000000000004000"),
        ("%pGg, %pGg", &[1, 0], "none, (null)"),
        ("%pQ.", &[0x10], "0000000000000010Q."),
    ] {
        assert_eq!(
            formatted(format, arguments, &["\0\0\0\0"]),
            (expected.into(), arguments.len()),
            "{format}"
        );
    }
}

#[test]
fn bytes() {
    let text = formatted("%*ph|%3phC|%-2phN|%phD|%*ph", &[4, 1, 1, 1, 1, 0, 1], &["abcd"]);
    assert_eq!(text, ("61 62 63 64|61:62:63|6162|61|61".into(), 7));
}

#[test]
fn how_memory_is_to_be_had() {
    for (flags, expected) in [
        (0xcc0, "GFP_KERNEL"),
        (0xcc0 | 0x100, "GFP_KERNEL|__GFP_ZERO"),
        (0xa20, "GFP_ATOMIC"),
        (0x800, "GFP_NOWAIT"),
        (0xc40, "GFP_NOFS"),
        (0xc00, "GFP_NOIO"),
        (0x400, "__GFP_DIRECT_RECLAIM"),
        (0x8000_0000, "0x80000000"),
        (0, "none"),
    ] {
        let mut out = String::new();
        gfp::write(&mut out, flags).unwrap();
        assert_eq!(out, expected, "{flags:#x}");
    }
}

//! Cases for what modules in C call: `tests/modules/c_library.c` and `parameters.c`, each function of which checks itself.
#![allow(unsafe_code, reason = "calls into modules by address")]

use alloc::format;
use alloc::string::{String, ToString};

use kernel_core::errno::Errno;

use super::seq_file::{Show, read};
use crate::initrd;
use crate::module::{self, Module, Snapshot, load, load_with, parameter, set_parameter, unload};
use crate::thread;
use crate::{ensure, ensure_eq, ktest};

fn file(name: &str) -> Result<&'static [u8], String> {
    initrd::file(&format!("modules/{name}.ko"))
        .ok_or_else(|| format!("modules/{name}.ko is not in the initrd"))
}

fn text(error: impl ToString) -> String {
    error.to_string()
}

fn address(module: &Module, name: &str) -> Result<u64, String> {
    let symbol = module
        .symbol(name)
        .ok_or_else(|| format!("there is no '{name}'"))?;
    Ok(symbol.address)
}

/// Runs a check of `c_library`, twice, so that nothing of the first is left behind; afterwards everything is as before.
fn check(name: &str) -> Result<(), String> {
    let before = Snapshot::take();
    let module = load("c_library", file("c_library")?).map_err(text)?;
    let entry = address(&module, name)?;
    // SAFETY: the checks of that module have this type, and it is loaded.
    let check: extern "C" fn() -> i32 = unsafe { core::mem::transmute(entry) };
    let lines = [check(), check()];
    drop(module);
    // The thread that looks after delayed work ends by itself.
    thread::sleep(arch::time::TICKS_PER_SECOND / 50);
    unload("c_library").map_err(text)?;
    ensure_eq!(
        lines,
        [0, 0],
        "lines of tests/modules/c_library.c at which {name} failed"
    );
    before.check()
}

/// The parameters of the module, each as `name=text`.
fn parameters(module: &Module) -> Result<String, String> {
    let mut all = String::new();
    for found in &module.parameters {
        let value = parameter(&module.info.name, &found.name).map_err(text)?;
        all += &format!("{}={value}({:o}) ", found.name, found.mode);
    }
    Ok(all)
}

/// What C says to what it should find in its variables.
fn c_sees(
    module: &Module,
    integer: i32,
    count: u32,
    last: i32,
    text: &core::ffi::CStr,
) -> Result<bool, String> {
    let entry = address(module, "parameters_are")?;
    // SAFETY: that function has this type, and its module is loaded.
    let are: extern "C" fn(i32, u32, i32, *const core::ffi::c_char) -> i32 =
        unsafe { core::mem::transmute(entry) };
    Ok(are(integer, count, last, text.as_ptr()) != 0)
}

/// The error of loading `parameters` with a line; twice, since the error itself takes memory.
fn refused(line: &str) -> Result<module::Error, String> {
    let bytes = file("parameters")?;
    let before = Snapshot::take();
    load_with("parameters", bytes, line)
        .err()
        .ok_or("it was not refused")?;
    before.check()?;
    load_with("parameters", bytes, line)
        .err()
        .ok_or_else(|| "it was not refused".into())
}

ktest! {
    fn memory() {
        check("check_memory")
    }

    fn freeing_twice_frees_once() {
        check("free_twice")
    }

    fn lists() {
        check("check_lists")
    }

    fn strings() {
        check("check_strings")
    }

    fn printing() {
        check("check_printing")
    }

    fn work_and_completions() {
        check("check_work")
    }

    fn mutexes() {
        check("check_mutex")
    }

    fn time() {
        check("check_time")
    }

    fn files() {
        let module = load("c_library", file("c_library")?).map_err(text)?;
        let entry = address(&module, "show_all")?;
        // SAFETY: that function has this type, and its module is loaded.
        let show: Show = unsafe { core::mem::transmute(entry) };
        let content = read(show);
        drop(module);
        unload("c_library").map_err(text)?;
        ensure_eq!(content, Ok("numbers=1,2,3,4,5,6,7\na string!bytes".to_string()), "the content");
        Ok(())
    }

    fn parameters_as_they_were_built() {
        let module = load("parameters", file("parameters")?).map_err(text)?;
        let all = parameters(&module)?;
        drop(module);
        unload("parameters").map_err(text)?;
        let wanted = "a_bool=N(644) a_byte=1(444) a_charp=as built(644) a_hexint=0x000006(444) a_long=-7(444) a_short=-2(444) \
            a_uint=5(444) a_ullong=9(444) a_ulong=8(444) a_ushort=3(444) an_array=1,2,3,4(644) an_int=-4(644) \
            inverted=Y(444) nothing=(null)(444) other_name=10(0) string=seven..(644) texts=(null),(null)(644) ";
        ensure_eq!(all.as_str(), wanted, "all of them");
        Ok(())
    }

    fn parameters_as_they_are_given() {
        let before = Snapshot::take();
        let line = "a_byte=0xff a_short=-32768 a_ushort=65535 an-int=-19 a_uint=07 a_hexint=255 a_long=-1 a_ulong=1 \
            a_ullong=2 a_bool inverted=Y a_charp=\"two words\" nothing= an_array=7,8 texts=one,two string=short other_name=11";
        let module = load_with("parameters", file("parameters")?, line).map_err(text)?;
        let all = parameters(&module)?;
        let seen = c_sees(&module, -19, 2, 8, c"two words")?;
        let wanted = "a_bool=Y(644) a_byte=255(444) a_charp=two words(644) a_hexint=0x0000ff(444) a_long=-1(444) a_short=-32768(444) \
            a_uint=7(444) a_ullong=2(444) a_ulong=1(444) a_ushort=65535(444) an_array=7,8(644) an_int=-19(644) \
            inverted=Y(444) nothing=(444) other_name=11(0) string=short(644) texts=one,two(644) ";
        let written = [
            set_parameter("parameters", "an_int", "1000\n"),
            set_parameter("parameters", "a_charp", "other"),
            set_parameter("parameters", "an_array", "1,2,3"),
        ];
        let refused = [
            set_parameter("parameters", "an_int", "x"),
            set_parameter("parameters", "an_array", "1,x"),
            set_parameter("parameters", "an_array", "1,2,3,4,5"),
            set_parameter("parameters", "string", "too long for it"),
            set_parameter("parameters", "no_such", "1"),
            set_parameter("no_such", "an_int", "1"),
        ];
        let seen_then = c_sees(&module, 1000, 3, 3, c"other")?;
        drop(module);
        unload("parameters").map_err(text)?;
        ensure_eq!(all.as_str(), wanted, "all of them");
        drop(all);
        ensure!(seen && seen_then, "C sees other values: {seen}, {seen_then}");
        ensure_eq!(written, [Ok(()); 3], "writing");
        let numbers = [Errno::Invalid, Errno::Invalid, Errno::Invalid, Errno::NoSpace, Errno::NoEntry, Errno::NoEntry];
        ensure_eq!(refused, numbers.map(Err), "what must not be written");
        before.check()
    }

    fn parameters_that_are_none() {
        let module = load_with("parameters", file("parameters")?, "no_such=1 an_int=5 neither").map_err(text)?;
        let value = parameter("parameters", "an_int");
        drop(module);
        unload("parameters").map_err(text)?;
        ensure_eq!(value, Ok("5".to_string()), "the one that there is");
        for (line, errno) in [
            ("an_int=abc", Errno::Invalid),
            ("a_byte=256", Errno::Range),
            ("a_bool=maybe", Errno::Invalid),
            ("an_int", Errno::Invalid),
            ("string=eight...", Errno::NoSpace),
            ("an_array=1,2,3,4,5", Errno::Invalid),
        ] {
            ensure_eq!(refused(line)?.errno(), errno, "'{line}'");
        }
        let error = refused("a_bool an_int=5x")?.to_string();
        ensure_eq!(error, "module 'parameters': '5x' is no value of parameter 'an_int' (EINVAL)", "the message");
        Ok(())
    }
}

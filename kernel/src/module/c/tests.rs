//! Cases for what modules in C call: `tests/modules/c_library.c` and `parameters.c`, each function of which checks itself.
#![allow(unsafe_code, reason = "calls into modules by address")]

use alloc::format;
use alloc::string::{String, ToString};

use kernel_core::errno::Errno;

use super::seq_file::{Show, read};
use crate::initrd;
use crate::module::{self, Module, Snapshot, load, load_with, parameter, set_parameter, unload};
use crate::thread;
use crate::{ensure, ensure_eq, ktest, livepatch};

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

/// Runs a check of `c_library`.
fn check(name: &str) -> Result<(), String> {
    check_of("c_library", name)
}

/// Runs a check of a module, twice, so that nothing of the first is left behind; afterwards everything is as before.
fn check_of(module: &'static str, name: &str) -> Result<(), String> {
    let before = Snapshot::take();
    let file_name = module;
    let module = load(file_name, file(file_name)?).map_err(text)?;
    let entry = address(&module, name)?;
    // SAFETY: the checks of that module have this type, and it is loaded.
    let check: extern "C" fn() -> i32 = unsafe { core::mem::transmute(entry) };
    let lines = [check(), check()];
    drop(module);
    // The thread that looks after delayed work ends by itself.
    thread::sleep(arch::time::TICKS_PER_SECOND / 50);
    unload(file_name).map_err(text)?;
    ensure_eq!(
        lines,
        [0, 0],
        "lines of tests/modules/{file_name}.c at which {name} failed"
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

/// Four numbers of a module.
fn four(module: &Module, name: &str) -> Result<[u32; 4], String> {
    let address = address(module, name)?;
    // SAFETY: `klp_state.h` has an array of four numbers of each name, and the module is loaded.
    Ok(unsafe { (address as *const [u32; 4]).read_volatile() })
}

/// What the callbacks of a module of `klp_state.h` saw: calls, states below, states of the target.
fn saw(module: &Module) -> Result<[[u32; 4]; 3], String> {
    Ok([
        four(module, "calls")?,
        four(module, "below")?,
        four(module, "target")?,
    ])
}

/// Two patches with states, one after the other, with a target that comes and goes.
fn life_with_states() -> Result<(), String> {
    /// `1 + enum module_state`.
    const LIVE: u32 = 1;
    const COMING: u32 = 2;
    const GOING: u32 = 3;
    let one = load("klp_state_one", file("klp_state_one")?).map_err(text)?;
    livepatch::settle();
    let first = saw(&one)?;
    drop(load("klp_target", file("klp_target")?).map_err(text)?);
    let with_target = saw(&one)?;
    let two = load("klp_state_two", file("klp_state_two")?).map_err(text)?;
    livepatch::settle();
    let replaced = (saw(&one)?, saw(&two)?);
    drop(one);
    unload("klp_state_one").map_err(text)?;
    let refused = load("klp_state_one", file("klp_state_one")?).err();
    unload("klp_target").map_err(text)?;
    let without_target = saw(&two)?;
    livepatch::disable("klp_state_two").map_err(text)?;
    livepatch::settle();
    let end = saw(&two)?;
    drop(two);
    unload("klp_state_two").map_err(text)?;
    ensure_eq!(first, [[1, 1, 0, 0], [0; 4], [0; 4]], "the first");
    ensure_eq!(
        with_target,
        [[1, 1, 0, 0], [0; 4], [COMING, COMING, 0, 0]],
        "with a target"
    );
    ensure_eq!(replaced.0, with_target, "the one that was replaced");
    ensure_eq!(
        replaced.1,
        [[1, 1, 0, 0], [1, 1, 0, 0], [LIVE, LIVE, 0, 0]],
        "the second"
    );
    ensure_eq!(
        refused.map(|error| error.errno()),
        Some(Errno::Invalid),
        "the first again"
    );
    ensure_eq!(
        without_target,
        [[1, 1, 0, 0], [1, 1, 0, 0], [LIVE, LIVE, GOING, GOING]],
        "without a target"
    );
    ensure_eq!(end, [[1; 4], [1, 1, 0, 0], [LIVE, LIVE, GOING, GOING]], "the end");
    Ok(())
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

    fn shadow_variables() {
        check_of("klp_shadow", "check_shadow")
    }

    fn states_and_callbacks() {
        life_with_states()?;
        let before = Snapshot::take();
        life_with_states()?;
        before.check()
    }

    fn a_live_patch_says_that_it_is_one() {
        let errno = || Ok::<_, String>(load("klp_unmarked", file("klp_unmarked")?).err().map(|error| error.errno()));
        ensure_eq!(errno()?, Some(Errno::Invalid), "the number");
        let before = Snapshot::take();
        errno()?;
        before.check()
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

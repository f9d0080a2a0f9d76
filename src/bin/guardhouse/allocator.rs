//! Leaves enough address space for the server where that is limited (`ulimit -v`, `ulimit -d`).
//!
//! The allocator of glibc sets aside 64 MiB of address space for a thread, and does that
//! several times. Where there is a limit, that can use up what the server needs, and a
//! program whose allocation fails ends at once. glibc reads how often it may do so from the
//! environment, when a program begins. So the program sets that, and begins again.

use std::env;
use std::fs;
use std::os::unix::process::CommandExt;
use std::process::Command;

/// The variable of glibc. Other systems and other allocators ignore it.
const ARENAS: &str = "MALLOC_ARENA_MAX";

/// Starts this program once more in this process, with an allocator that sets nothing aside;
/// only if the address space has a limit, and the variable is not there yet.
pub fn restart_if_limited() {
    let is_set = env::var_os(ARENAS).is_some();
    if is_set || !has_limit(&fs::read_to_string("/proc/self/limits").unwrap_or_default()) {
        return;
    }
    let Ok(program) = env::current_exe() else { return };
    let mut again = Command::new(program);
    if let Some(name) = env::args_os().next() {
        again.arg0(name);
    }
    // It returns only if it fails.
    let error = again.args(env::args_os().skip(1)).env(ARENAS, "1").exec();
    log::warn!("can't start the program again with {ARENAS}=1, so memory may run out: {error}");
}

/// Whether this text of Linux names a limit of the address space, or of a part of it.
fn has_limit(limits: &str) -> bool {
    ["Max address space", "Max data size"].iter().any(|name| {
        let values = limits.lines().find_map(|line| line.strip_prefix(name));
        let soft = values.and_then(|values| values.split_whitespace().next());
        soft.is_some_and(|soft| soft != "unlimited")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_a_number_and_of_the_address_space_or_the_data() {
        let limits = |space: &str, data: &str| {
            format!(
                "Limit                     Soft Limit           Hard Limit           Units     \n\
                 Max data size             {data}            unlimited            bytes     \n\
                 Max stack size            8388608              unlimited            bytes     \n\
                 Max address space         {space}            unlimited            bytes     \n"
            )
        };
        assert!(!has_limit(&limits("unlimited", "unlimited")));
        assert!(has_limit(&limits("67108864", "unlimited")));
        assert!(has_limit(&limits("unlimited", "67108864")));
        assert!(!has_limit(""), "another system");
    }
}

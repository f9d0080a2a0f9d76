//! How many connections have room in the address space of this process, where that has a
//! limit (`ulimit -v`).
//!
//! If an allocation fails, the whole program ends. So the server has no more connections
//! than can all have a stack and full buffers at the same time. Bodies that handlers read,
//! and what the allocator sets aside for its threads, are not counted.

use std::fs;

use crate::limits::Limits;

/// What everything else may need, in bytes: the accept loop, the log, the handlers.
const RESERVE: u64 = 16 << 20;

/// How many connections can be open at once: as many as the limits say, or fewer.
pub(crate) fn room_for_connections(limits: &Limits) -> usize {
    let read = |path| fs::read_to_string(path).unwrap_or_default();
    // These files are Linux's. Elsewhere there is no limit that the server knows of.
    let (all, status) = (read("/proc/self/limits"), read("/proc/self/status"));
    let Some(limit) = number_after("Max address space", &all) else { return limits.connections };
    let used = number_after("VmSize:", &status).unwrap_or(0) * 1024;
    let room = room_in(limit.saturating_sub(used), limits).min(limits.connections);
    if room < limits.connections {
        log::info!("the address space of this process has room for {room} connections");
    }
    room
}

/// How many connections have room in so many bytes; always one.
fn room_in(bytes: u64, limits: &Limits) -> usize {
    // A buffer that grows is there twice, while its bytes move.
    let each = limits.stack_bytes + 2 * (limits.head_bytes + limits.output_bytes);
    let room = bytes.saturating_sub(RESERVE) / each.max(1) as u64;
    usize::try_from(room).unwrap_or(usize::MAX).max(1)
}

/// The number after that name, in a text of lines.
fn number_after(name: &str, text: &str) -> Option<u64> {
    let rest = text.lines().find_map(|line| line.strip_prefix(name))?;
    rest.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_found_after_its_name() {
        let limits = "Limit            Soft Limit  Hard Limit  Units\n\
                      Max stack size   8388608     unlimited   bytes\n\
                      Max address space unlimited  unlimited   bytes\n";
        assert_eq!(number_after("Max stack size", limits), Some(8_388_608));
        assert_eq!(number_after("Max address space", limits), None);
        assert_eq!(number_after("Max locked memory", limits), None);
        assert_eq!(number_after("VmSize:", "VmPeak:\t 9 kB\nVmSize:\t    5 kB\n"), Some(5));
    }

    #[test]
    fn each_connection_has_room_for_its_stack_and_its_buffers() {
        let limits = Limits::default();
        assert_eq!(room_in(RESERVE + 10 * (256 + 160) * 1024, &limits), 10);
        assert_eq!(room_in(0, &limits), 1);
        assert!(room_in(u64::MAX, &limits) > limits.connections);
    }

    #[test]
    fn without_a_limit_there_is_room_for_all() {
        let unlimited = number_after(
            "Max address space",
            &fs::read_to_string("/proc/self/limits").unwrap_or_default(),
        )
        .is_none();
        let limits = Limits::default();
        if unlimited {
            assert_eq!(room_for_connections(&limits), limits.connections);
        }
    }
}

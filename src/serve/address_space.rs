//! How many connections have room in the address space of this process, where that has a
//! limit (`ulimit -v`, `ulimit -d`).
//!
//! If an allocation fails, the whole program ends. So the server has no more connections
//! than can all have a stack, full buffers and a whole body at the same time. What the
//! allocator of glibc sets aside for its threads is not counted: `MALLOC_ARENA_MAX=1` in the
//! environment keeps it from that, and the binary sees to it.

use std::fs;

use crate::limits::Limits;

/// What everything else may need, in bytes: the accept loop, the log, the handlers.
const RESERVE: u64 = 16 << 20;

/// The limits of a process, and how much of each is used, as Linux names them. A limit of
/// the data counts all memory that the process can write, stacks too.
const LIMITED: [(&str, &str); 2] = [("Max address space", "VmSize:"), ("Max data size", "VmData:")];

/// How many connections can be open at once: as many as the limits say, or fewer.
pub(crate) fn room_for_connections(limits: &Limits) -> usize {
    let read = |path| fs::read_to_string(path).unwrap_or_default();
    // These files are Linux's. Elsewhere there is no limit that the server knows of.
    let (all, status) = (read("/proc/self/limits"), read("/proc/self/status"));
    let free = |(limit, used)| {
        let used = number_after(used, &status).unwrap_or(0) * 1024;
        number_after(limit, &all).map(|limit| limit.saturating_sub(used))
    };
    let Some(free) = LIMITED.into_iter().filter_map(free).min() else { return limits.connections };
    let room = room_in(free, limits);
    if room < limits.connections {
        log::info!(
            "connections that have room in the address space of this process: {room}, of \
             {} bytes each",
            bytes_of_one(limits)
        );
    }
    room.min(limits.connections)
}

/// How many connections have room in so many bytes; always one.
fn room_in(bytes: u64, limits: &Limits) -> usize {
    let room = bytes.saturating_sub(RESERVE) / bytes_of_one(limits).max(1);
    usize::try_from(room).unwrap_or(usize::MAX).max(1)
}

/// The most that one connection uses.
fn bytes_of_one(limits: &Limits) -> u64 {
    // A buffer that grows is there twice, while its bytes move. So is a body, or it is there
    // as bytes and as what a handler makes of them.
    let buffers = 2 * (limits.head_bytes + limits.output_bytes) as u64;
    (limits.stack_bytes as u64 + buffers).saturating_add(limits.body_bytes.saturating_mul(2))
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
    fn each_connection_has_room_for_its_stack_its_buffers_and_a_body() {
        let limits = Limits::default();
        assert_eq!(room_in(RESERVE + 10 * (256 + 160 + 2048) * 1024, &limits), 10);
        let small = Limits { body_bytes: 0, ..Limits::default() };
        assert_eq!(room_in(RESERVE + 10 * (256 + 160) * 1024, &small), 10);
        assert_eq!(room_in(0, &limits), 1);
        let vast = Limits { body_bytes: u64::MAX, ..Limits::default() };
        assert_eq!(room_in(1 << 40, &vast), 1);
        assert!(room_in(u64::MAX, &limits) > limits.connections);
    }

    #[test]
    fn without_a_limit_there_is_room_for_all() {
        let text = fs::read_to_string("/proc/self/limits").unwrap_or_default();
        let unlimited = LIMITED.iter().all(|(limit, _)| number_after(limit, &text).is_none());
        let limits = Limits::default();
        if unlimited {
            assert_eq!(room_for_connections(&limits), limits.connections);
        }
    }
}

//! How much address space is left, where a process has a limit of it (`ulimit -v`).
//!
//! If an allocation fails, the whole program ends. A new thread is the largest part of
//! what the server takes, and the only one that it can do without. So it starts none where
//! the rest of the server could then run out.

use std::{fs, io};

/// The limit on the address space of this process.
pub(crate) struct AddressSpace {
    /// In KiB; `None` if there is no limit, or the system does not say.
    limit: Option<u64>,
}

impl AddressSpace {
    /// What stays free when a thread starts, in KiB: enough for what a hundred connections
    /// need beside their stacks.
    const RESERVE: u64 = 4 * 1024;

    pub(crate) fn new() -> AddressSpace {
        let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
        let bytes = number_after("Max address space", &limits);
        AddressSpace { limit: bytes.map(|bytes| bytes / 1024) }
    }

    /// Fails if a thread with such a stack, in bytes, would leave too little for the rest.
    pub(crate) fn check_for_thread(&self, stack_bytes: usize) -> io::Result<()> {
        let Some(limit) = self.limit else { return Ok(()) };
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let used = number_after("VmSize:", &status).unwrap_or(0);
        let needed = stack_bytes as u64 / 1024 + Self::RESERVE;
        if used + needed > limit { Err(io::ErrorKind::OutOfMemory.into()) } else { Ok(()) }
    }
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
    fn a_thread_needs_a_reserve_beside_its_stack() {
        assert!(AddressSpace { limit: None }.check_for_thread(usize::MAX).is_ok());
        if fs::exists("/proc/self/status").is_ok_and(|exists| exists) {
            let terabytes = AddressSpace { limit: Some(1 << 40) };
            assert!(terabytes.check_for_thread(256 * 1024).is_ok());
            let error = AddressSpace { limit: Some(1) }.check_for_thread(256 * 1024);
            assert_eq!(error.map_err(|error| error.kind()), Err(io::ErrorKind::OutOfMemory));
        }
    }
}

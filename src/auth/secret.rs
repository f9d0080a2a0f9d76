//! Compares secrets, makes new ones, and warns when others can read a file that
//! holds them.

use std::fs::File;
use std::hint::black_box;
use std::io::{self, Read};
use std::path::Path;

/// Whether two secrets are the same. The time that this takes depends on their
/// lengths only.
///
/// `==` stops at the first byte that differs. A client that measures the time
/// could then guess a secret byte by byte.
///
/// ```
/// use guardhouse::guard::is_same;
///
/// assert!(is_same(b"s3cret", b"s3cret"));
/// assert!(!is_same(b"s3cret", b"s3creT"));
/// ```
#[must_use]
pub fn is_same(left: &[u8], right: &[u8]) -> bool {
    let differences =
        left.iter().zip(right).fold(0, |differences, (left, right)| differences | (left ^ right));
    // `black_box` keeps the compiler from adding an early exit to the loop.
    black_box(differences) == 0 && left.len() == right.len()
}

/// A new token: 256 random bits in hexadecimal.
///
/// ```
/// let token = guardhouse::users::new_token()?;
/// assert_eq!(token.len(), 64);
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
///
/// The system has no random source.
pub fn new_token() -> io::Result<String> {
    let (first, second) = (random_bytes()?, random_bytes()?);
    let (first, second) = (u128::from_ne_bytes(first), u128::from_ne_bytes(second));
    Ok(format!("{first:032x}{second:032x}"))
}

/// Random bytes from the system.
///
/// # Errors
///
/// The system has no random source.
pub(crate) fn random_bytes<const N: usize>() -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// Logs a warning if other users of the machine can read the file at `path`.
/// `secret` says what the file holds.
#[cfg(unix)]
pub(crate) fn warn_of_readers(path: &Path, secret: &str) {
    use std::os::unix::fs::MetadataExt;
    let (Ok(file), Ok(server)) = (path.metadata(), server_user()) else { return };
    let mode = file.mode() & 0o777;
    let word = shell_word(&path.display().to_string());
    if let Some(advice) = advice(mode, file.uid(), server, &word) {
        log::warn!("{}: others can read {secret}: {advice}", path.display());
    }
}

/// Other systems have no such permissions to look at.
#[cfg(not(unix))]
pub(crate) fn warn_of_readers(_: &Path, _: &str) {}

/// The user and the group as which the server opens files.
#[cfg(unix)]
#[derive(Clone, Copy)]
struct ServerUser {
    user: u32,
    group: u32,
}

/// `std` does not say which user this is. But the system gives a new pipe to it.
#[cfg(unix)]
fn server_user() -> io::Result<ServerUser> {
    use std::os::fd::OwnedFd;
    use std::os::unix::fs::MetadataExt;
    let (pipe, _) = io::pipe()?;
    let pipe = File::from(OwnedFd::from(pipe)).metadata()?;
    Ok(ServerUser { user: pipe.uid(), group: pipe.gid() })
}

/// The commands after which others can't use the file, and the server still can;
/// `None` if others can't use it now.
///
/// The rule is PostgreSQL's for its keys. No file may be open to all users. If the
/// server owns the file, it needs no group. If root or another user owns it, the
/// group may be how the server reads it, so the group may have access: Kubernetes
/// makes such files with `fsGroup`.
#[cfg(unix)]
fn advice(mode: u32, owner: u32, server: ServerUser, path: &str) -> Option<String> {
    let (is_own, is_root) = (owner == server.user, server.user == 0);
    let (for_group, for_all) = (mode & 0o070 != 0, mode & 0o007 != 0);
    if !(for_all || (for_group && is_own && !is_root)) {
        None
    } else if is_own {
        Some(format!("chmod 600 {path}"))
    } else if is_root {
        // Without its capabilities, as in `docker --cap-drop ALL`, root can read only
        // what the permissions allow to it.
        Some(format!("chown 0 {path} && chmod 600 {path}"))
    } else {
        // `chmod 600` would take the server's own access away.
        Some(format!("chgrp {} {path} && chmod 640 {path}", server.group))
    }
}

/// A path as one word of a shell.
// Other systems need it with the feature `tls` only.
#[cfg_attr(not(unix), allow(dead_code))]
pub(crate) fn shell_word(path: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "/._-+@%,:=".contains(c);
    // A word with a dash before it is an option.
    let path = if path.starts_with('-') { format!("./{path}") } else { path.to_owned() };
    if !path.is_empty() && path.chars().all(is_plain) {
        return path;
    }
    format!("'{}'", path.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_the_same_if_every_byte_and_the_length_are() {
        assert!(is_same(b"", b"") && is_same(b"abc", b"abc"));
        for (left, right) in
            [("abc", "abd"), ("xbc", "abc"), ("abc", "ab"), ("ab", "abc"), ("", "a")]
        {
            assert!(!is_same(left.as_bytes(), right.as_bytes()), "{left} {right}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn the_group_may_read_a_file_that_the_server_does_not_own() {
        const SERVER: ServerUser = ServerUser { user: 1000, group: 2000 };
        const ROOT: ServerUser = ServerUser { user: 0, group: 0 };
        let own = Some("chmod 600 f");
        let others = Some("chgrp 2000 f && chmod 640 f");
        for (server, owner, mode, says) in [
            // The server's own file.
            (SERVER, 1000, 0o600, None),
            (SERVER, 1000, 0o400, None),
            (SERVER, 1000, 0o640, own),
            (SERVER, 1000, 0o620, own),
            (SERVER, 1000, 0o604, own),
            (SERVER, 1000, 0o777, own),
            // Root's file, which the server reads as a member of the group.
            (SERVER, 0, 0o440, None),
            (SERVER, 0, 0o640, None),
            (SERVER, 0, 0o660, None),
            (SERVER, 0, 0o644, others),
            (SERVER, 0, 0o604, others),
            (SERVER, 0, 0o641, others),
            // The file of the user who deploys it.
            (SERVER, 1001, 0o640, None),
            (SERVER, 1001, 0o444, others),
            // A server that runs as root reads every file.
            (ROOT, 0, 0o600, None),
            (ROOT, 0, 0o640, None),
            (ROOT, 0, 0o644, own),
            (ROOT, 1001, 0o640, None),
            (ROOT, 1001, 0o644, Some("chown 0 f && chmod 600 f")),
            (ROOT, 1001, 0o604, Some("chown 0 f && chmod 600 f")),
        ] {
            let advice = advice(mode, owner, server, "f");
            assert_eq!(advice.as_deref(), says, "{mode:o} of {owner} for {}", server.user);
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_shell_reads_each_path_as_one_word() {
        for (path, word) in [
            ("/etc/guardhouse/users-1.txt", "/etc/guardhouse/users-1.txt"),
            ("-rf", "./-rf"),
            ("/home/Ann Lee/users.txt", "'/home/Ann Lee/users.txt'"),
            ("/a;b", "'/a;b'"),
            ("/$(b)", "'/$(b)'"),
            ("/it's", r"'/it'\''s'"),
            ("~", "'~'"),
        ] {
            assert_eq!(shell_word(path), word, "{path}");
            let command = format!("printf %s {word}");
            let output = std::process::Command::new("sh").args(["-c", &command]).output();
            let output = output.expect("a shell").stdout;
            let path = if path == "-rf" { "./-rf" } else { path };
            assert_eq!(String::from_utf8_lossy(&output), path, "{word}");
        }
    }

    /// Not on other systems: there, no file says which user a process is.
    #[cfg(target_os = "linux")]
    #[test]
    fn the_server_knows_its_own_user_and_group() {
        let status = std::fs::read_to_string("/proc/self/status").expect("a status");
        // Real, effective, saved, and of the file system.
        let id = |name: &str| -> u32 {
            let line = status.lines().find(|line| line.starts_with(name)).expect(name);
            line.split_whitespace().nth(4).expect(name).parse().expect(name)
        };
        let server = server_user().expect("a pipe");
        assert_eq!((server.user, server.group), (id("Uid:"), id("Gid:")));
    }

    #[test]
    fn two_new_tokens_differ_and_have_64_hexadecimal_digits() {
        let (first, second) = (new_token().expect("a token"), new_token().expect("a token"));
        assert_ne!(first, second);
        assert_eq!(first.len(), 64);
        assert!(first.bytes().all(|byte| byte.is_ascii_hexdigit()));
    }
}

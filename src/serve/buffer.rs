//! The bytes that a connection has read and not used yet.

use std::io::Read;
use std::ops::Range;

/// A buffer for reading. Only a large head makes it grow, and the limit on heads
/// bounds it.
pub(crate) struct Buffer {
    bytes: Vec<u8>,
    unread: Range<usize>,
}

impl Buffer {
    /// More than nearly every head, and than sixteen small requests in one read.
    const SIZE: usize = 3072;

    pub(crate) fn new() -> Buffer {
        Buffer { bytes: vec![0; Buffer::SIZE], unread: 0..0 }
    }

    /// What has been read and not used.
    pub(crate) fn unread(&self) -> &[u8] {
        self.bytes.get(self.unread.clone()).unwrap_or_default()
    }

    /// Uses up the first `count` bytes of [`unread`](Buffer::unread).
    pub(crate) fn consume(&mut self, count: usize) {
        self.unread.start = (self.unread.start + count).min(self.unread.end);
    }

    /// Where the next read puts its bytes; never empty. Then [`filled`](Buffer::filled)
    /// says how many there were.
    pub(crate) fn space(&mut self) -> &mut [u8] {
        if self.unread.end == self.bytes.len() {
            // What is unread moves to the front.
            self.bytes.copy_within(self.unread.clone(), 0);
            self.unread = 0..self.unread.len();
        }
        if self.unread.end == self.bytes.len() {
            self.bytes.resize(self.unread.end * 2, 0);
        }
        self.bytes.get_mut(self.unread.end..).unwrap_or_default()
    }

    /// A read has put `count` bytes into [`space`](Buffer::space).
    pub(crate) fn filled(&mut self, count: usize) {
        self.unread.end += count;
    }

    /// Puts bytes that were read elsewhere behind those that are unread.
    pub(crate) fn append(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            // A slice of bytes can be read from, and never fails.
            let count = bytes.read(self.space()).unwrap_or_default();
            self.filled(count);
        }
    }

    /// Frees what a large head needed, if nothing is unread.
    pub(crate) fn shrink(&mut self) {
        if self.unread.is_empty() {
            self.unread = 0..0;
            self.bytes.truncate(Buffer::SIZE);
            self.bytes.shrink_to_fit();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_out_as_they_went_in_however_much_there_is() {
        let mut buffer = Buffer::new();
        let sent: Vec<u8> = (0..100_000_u32).flat_map(u32::to_le_bytes).collect();
        let mut received = Vec::new();
        for (round, piece) in sent.chunks(1000).enumerate() {
            buffer.append(piece);
            // Sometimes more is used than came, sometimes less.
            let count = buffer.unread().len().min(if round % 20 < 15 { 700 } else { 5000 });
            received.extend_from_slice(&buffer.unread()[..count]);
            buffer.consume(count);
        }
        received.extend_from_slice(buffer.unread());
        assert_eq!(received, sent);
    }

    #[test]
    fn a_buffer_that_has_grown_is_small_again_when_it_is_empty() {
        let mut buffer = Buffer::new();
        buffer.append(&[1; 10_000]);
        buffer.shrink();
        assert_eq!(buffer.unread().len(), 10_000, "what is unread stays");
        buffer.consume(10_000);
        buffer.shrink();
        assert_eq!((buffer.bytes.capacity(), buffer.space().len()), (Buffer::SIZE, Buffer::SIZE));
    }
}

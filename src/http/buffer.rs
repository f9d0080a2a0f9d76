//! The bytes that a connection has read and not used yet.

use std::io::Read;
use std::ops::Range;

/// A buffer for reading. Only a large head makes it grow, and the limit on heads
/// bounds it.
#[derive(Default)]
pub(crate) struct Buffer {
    bytes: Vec<u8>,
    unused: Range<usize>,
}

impl Buffer {
    /// More than nearly every head, and than sixteen small requests in one read.
    const SIZE: usize = 3072;

    /// What has been read and not used.
    pub(crate) fn unused(&self) -> &[u8] {
        self.bytes.get(self.unused.clone()).unwrap_or_default()
    }

    /// Uses up the first `count` bytes of [`unused`](Buffer::unused).
    pub(crate) fn consume(&mut self, count: usize) {
        self.unused.start = (self.unused.start + count).min(self.unused.end);
        if self.unused.is_empty() {
            self.unused = 0..0;
        }
    }

    /// Where the next read puts its bytes; never empty. Then [`filled`](Buffer::filled)
    /// says how many there were.
    pub(crate) fn space(&mut self) -> &mut [u8] {
        if self.unused.end == self.bytes.len() {
            // What is not used moves to the front.
            self.bytes.copy_within(self.unused.clone(), 0);
            self.unused = 0..self.unused.len();
        }
        if self.unused.end == self.bytes.len() {
            self.bytes.resize((self.unused.end * 2).max(Buffer::SIZE), 0);
        }
        self.bytes.get_mut(self.unused.end..).unwrap_or_default()
    }

    /// A read has put `count` bytes into [`space`](Buffer::space).
    pub(crate) fn filled(&mut self, count: usize) {
        self.unused.end += count;
    }

    /// Adds bytes that were read elsewhere, after those that are not used.
    pub(crate) fn append(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            // A slice of bytes can be read from, and never fails.
            let count = bytes.read(self.space()).unwrap_or_default();
            self.filled(count);
        }
    }

    /// Frees what a large head needed, if everything is used.
    pub(crate) fn shrink(&mut self) {
        if self.unused.is_empty() {
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
        let mut buffer = Buffer::default();
        let sent: Vec<u8> = (0..100_000_u32).flat_map(u32::to_le_bytes).collect();
        let mut received = Vec::new();
        for (round, piece) in sent.chunks(1000).enumerate() {
            buffer.append(piece);
            // Sometimes more is used than came, sometimes less.
            let count = buffer.unused().len().min(if round % 20 < 15 { 700 } else { 5000 });
            received.extend_from_slice(&buffer.unused()[..count]);
            buffer.consume(count);
        }
        received.extend_from_slice(buffer.unused());
        assert_eq!(received, sent);
    }

    #[test]
    fn a_buffer_that_has_grown_is_small_again_when_it_is_empty() {
        let mut buffer = Buffer::default();
        buffer.append(&[1; 10_000]);
        buffer.shrink();
        assert_eq!(buffer.unused().len(), 10_000, "what is not used stays");
        buffer.consume(10_000);
        buffer.shrink();
        assert_eq!((buffer.bytes.capacity(), buffer.space().len()), (Buffer::SIZE, Buffer::SIZE));
    }
}

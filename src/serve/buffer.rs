//! The bytes that a connection has read and not used yet.

use std::ops::Range;

/// A buffer for reading. It is small, and on the thread's stack; only a large head
/// makes it grow, onto the heap, and the limit on heads bounds it.
pub(crate) struct Buffer<'p> {
    /// Borrowed, so that the page stays where it is when the buffer is moved.
    page: &'p mut [u8; Buffer::PAGE],
    /// Used instead of the page while it is not empty.
    grown: Vec<u8>,
    unread: Range<usize>,
}

impl<'p> Buffer<'p> {
    /// More than nearly every head, and than sixteen small requests in one read.
    /// With it, the whole stack of an idle connection is three pages of memory.
    pub(crate) const PAGE: usize = 3072;

    pub(crate) fn new(page: &'p mut [u8; Buffer::PAGE]) -> Buffer<'p> {
        Buffer { page, grown: Vec::new(), unread: 0..0 }
    }

    /// What has been read and not used.
    pub(crate) fn unread(&self) -> &[u8] {
        let bytes = if self.grown.is_empty() { &self.page[..] } else { &self.grown };
        bytes.get(self.unread.clone()).unwrap_or_default()
    }

    /// Uses up the first `count` bytes of [`unread`](Buffer::unread).
    pub(crate) fn consume(&mut self, count: usize) {
        self.unread.start = (self.unread.start + count).min(self.unread.end);
    }

    /// Where the next read puts its bytes; never empty. Then [`filled`](Buffer::filled)
    /// says how many there were.
    pub(crate) fn space(&mut self) -> &mut [u8] {
        if self.unread.end == self.bytes().len() {
            // What is unread moves to the front.
            let unread = self.unread.clone();
            self.unread = 0..unread.len();
            self.bytes().copy_within(unread, 0);
        }
        if self.unread.end == self.bytes().len() {
            if self.grown.is_empty() {
                self.grown.extend_from_slice(self.page);
            }
            self.grown.resize(self.unread.end * 2, 0);
        }
        let end = self.unread.end;
        self.bytes().get_mut(end..).unwrap_or_default()
    }

    /// A read has put `count` bytes into [`space`](Buffer::space).
    pub(crate) fn filled(&mut self, count: usize) {
        self.unread.end += count;
    }

    /// Puts bytes that were read elsewhere behind those that are unread.
    pub(crate) fn append(&mut self, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.grown = [self.unread(), bytes].concat();
            self.unread = 0..self.grown.len();
        }
    }

    /// Frees what a large head needed, if nothing is unread.
    pub(crate) fn shrink(&mut self) {
        if self.unread.is_empty() {
            self.unread = 0..0;
            self.grown = Vec::new();
        }
    }

    fn bytes(&mut self) -> &mut [u8] {
        if self.grown.is_empty() { self.page } else { &mut self.grown }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_out_as_they_went_in_however_much_there_is() {
        let mut page = [0; Buffer::PAGE];
        let mut buffer = Buffer::new(&mut page);
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
        let mut page = [0; Buffer::PAGE];
        let mut buffer = Buffer::new(&mut page);
        buffer.append(&[1; 10_000]);
        buffer.shrink();
        assert_eq!(buffer.unread().len(), 10_000, "what is unread stays");
        buffer.consume(10_000);
        buffer.shrink();
        assert_eq!((buffer.grown.capacity(), buffer.space().len()), (0, Buffer::PAGE));
    }
}

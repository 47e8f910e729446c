//! Sets of bytes, and how frequent they are.

/// A set of bytes: a bit for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ByteSet([u64; 4]);

impl ByteSet {
    /// A set of one byte.
    pub fn one(byte: u8) -> ByteSet {
        ByteSet::default().with(byte..=byte)
    }

    /// The set, and all bytes of a range.
    pub fn with(mut self, range: std::ops::RangeInclusive<u8>) -> ByteSet {
        for byte in range {
            if let Some(word) = self.0.get_mut(usize::from(byte >> 6)) {
                *word |= 1 << (byte & 63);
            }
        }
        self
    }

    /// The bytes that are in one of both.
    pub fn union(mut self, other: ByteSet) -> ByteSet {
        for (word, other) in self.0.iter_mut().zip(other.0) {
            *word |= other;
        }
        self
    }

    /// The bytes that are not in it.
    pub fn others(self) -> ByteSet {
        ByteSet(self.0.map(|word| !word))
    }

    /// Whether a byte is in it.
    #[inline(always)]
    pub fn has(&self, byte: u8) -> bool {
        self.0.get(usize::from(byte >> 6)).is_some_and(|word| word >> (byte & 63) & 1 != 0)
    }

    /// The bytes, in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = u8> {
        (0..=u8::MAX).filter(|&byte| self.has(byte))
    }

    /// The share of bytes that are in it, as a guess for text. Binary data has others. A search
    /// turns a prefilter off that was chosen by a wrong guess.
    pub fn frequency(&self) -> f64 {
        self.iter().map(frequency).sum::<f64>().min(1.0)
    }
}

/// The share of one byte in logs, tables and source code.
fn frequency(byte: u8) -> f64 {
    match byte {
        b' ' => 0.14,
        b'a' | b'e' | b'i' | b'n' | b'o' | b'r' | b's' | b't' => 0.05,
        b'0'..=b'2' => 0.035,
        b'c' | b'd' | b'h' | b'l' | b'm' | b'p' | b'u' => 0.028,
        b'3'..=b'9' => 0.02,
        b'\n' | b'.' | b'/' | b'-' | b':' | b'_' | b'=' | b'"' | b',' => 0.015,
        b'b' | b'f' | b'g' | b'k' | b'v' | b'w' | b'y' => 0.014,
        0 => 0.01,
        b'A'..=b'Z' | b'j' | b'q' | b'x' | b'z' => 0.004,
        b'(' | b')' | b'[' | b']' | b'{' | b'}' | b';' | b'\'' | b'\t' | b'\r' => 0.004,
        b'@' | b'#' | b'%' | b'&' | b'+' | b'*' => 0.004,
        1..=31 | 127 => 0.001,
        _ => 0.002,
    }
}

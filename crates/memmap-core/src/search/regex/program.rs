//! A pattern as TypeScript sends it: operations in prefix notation, as a list of integers.
//!
//! | operation | its operands |
//! | --- | --- |
//! | 0 nothing | |
//! | 1 bytes | their number, and the bytes |
//! | 2 set of bytes | the number of ranges, and the first and the last byte of each |
//! | 3 set of code points | the number of ranges, and the first and the last code point of each |
//! | 4 concatenation | the number of parts, and the parts |
//! | 5 alternation | the number of parts, and the parts |
//! | 6 group | its number, from 1, and its content |
//! | 7 repetition | the least and the greatest number, 1 if greedy or 0, and what is repeated |
//! | 8 assertion | its number |
//!
//! The greatest number of an unlimited repetition is 2^32 - 1. Assertions are: 0 the start, 1 the
//! end, 2 the start of a line, 3 its end, 4 and 5 the same if lines may end with `\r`, too, 6 a
//! word boundary, 7 no word boundary.

use crate::error::{Error, Result};
use regex_syntax::hir::{
    Capture, Class, ClassBytes, ClassBytesRange, ClassUnicode, ClassUnicodeRange, Hir, Look, Repetition,
};

/// How deep operations may be nested. What reads the pattern is recursive, and the stack of a
/// thread of JavaScript may have no more than 190 KB left.
const DEEPEST: usize = 250;

const UNLIMITED: u32 = u32::MAX;

/// The pattern of a program.
///
/// # Errors
///
/// ERR_MMAP_REGEXP.
pub fn read(program: &[u32]) -> Result<Hir> {
    let mut reader = Reader { rest: program.iter() };
    let hir = reader.operation(0)?;
    if reader.rest.next().is_some() { Err(malformed()) } else { Ok(hir) }
}

fn malformed() -> Error {
    Error::Pattern("has a program that is malformed")
}

struct Reader<'a> {
    rest: std::slice::Iter<'a, u32>,
}

impl Reader<'_> {
    fn operation(&mut self, depth: usize) -> Result<Hir> {
        if depth > DEEPEST {
            return Err(Error::Pattern("is nested too deeply"));
        }
        Ok(match self.number()? {
            0 => Hir::empty(),
            1 => {
                let bytes: Result<Vec<u8>> = self.many(Reader::byte);
                Hir::literal(bytes?)
            }
            2 => {
                let ranges = self.many(|reader| Ok(ClassBytesRange::new(reader.byte()?, reader.byte()?)))?;
                Hir::class(Class::Bytes(ClassBytes::new(ranges)))
            }
            3 => {
                let ranges = self.many(|reader| Ok(ClassUnicodeRange::new(reader.char()?, reader.char()?)))?;
                Hir::class(Class::Unicode(ClassUnicode::new(ranges)))
            }
            4 => Hir::concat(self.many(|reader| reader.operation(depth + 1))?),
            5 => Hir::alternation(self.many(|reader| reader.operation(depth + 1))?),
            6 => {
                let index = self.number()?;
                if index == 0 {
                    return Err(malformed());
                }
                Hir::capture(Capture { index, name: None, sub: Box::new(self.operation(depth + 1)?) })
            }
            7 => {
                let (min, max, greedy) = (self.number()?, self.number()?, self.number()? != 0);
                if max < min {
                    return Err(malformed());
                }
                let max = (max != UNLIMITED).then_some(max);
                Hir::repetition(Repetition { min, max, greedy, sub: Box::new(self.operation(depth + 1)?) })
            }
            8 => Hir::look(match self.number()? {
                0 => Look::Start,
                1 => Look::End,
                2 => Look::StartLF,
                3 => Look::EndLF,
                4 => Look::StartCRLF,
                5 => Look::EndCRLF,
                6 => Look::WordAscii,
                7 => Look::WordAsciiNegate,
                _ => return Err(malformed()),
            }),
            _ => return Err(malformed()),
        })
    }

    fn many<T>(&mut self, mut read: impl FnMut(&mut Self) -> Result<T>) -> Result<Vec<T>> {
        let count = self.number()?;
        // Memory is not reserved for `count`, which may be wrong.
        (0..count).map(|_| read(self)).collect()
    }

    fn number(&mut self) -> Result<u32> {
        self.rest.next().copied().ok_or_else(malformed)
    }

    fn byte(&mut self) -> Result<u8> {
        u8::try_from(self.number()?).map_err(|_| malformed())
    }

    fn char(&mut self) -> Result<char> {
        char::from_u32(self.number()?).ok_or_else(malformed)
    }
}

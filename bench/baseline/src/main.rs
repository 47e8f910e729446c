//! The baseline: the same work in Rust, without JavaScript. It follows the protocol of peers in
//! `bench/peers/answer.mjs`: a request is a line with an operation, a path, a length and needles in
//! hexadecimal, separated by tabs. The answer is a line with the duration in nanoseconds and the
//! result, or "error" and the reason.

mod bare;
mod patterns;
mod ping_pong;

use memchr::{memchr_iter, memmem};
use memmap2::{Mmap, MmapMut, MmapOptions};
use std::collections::HashMap;
use std::error::Error;
use std::fs::File;
use std::hint::black_box;
use std::io::{BufRead, Write};
use std::time::Instant;

type Answer = Result<(u128, String), Box<dyn Error>>;

/// Mappings are kept, so that operations are measured on memory that has been touched before.
#[derive(Default)]
struct Opened {
    readable: HashMap<String, Mmap>,
    writable: HashMap<String, MmapMut>,
    /// The mappings that others are opened beside.
    beside: Vec<Option<Mmap>>,
}

fn main() -> Result<(), Box<dyn Error>> {
    if let [_, first, path] = std::env::args().collect::<Vec<_>>().as_slice()
        && first == ping_pong::PARTNER
    {
        return ping_pong::answer_until_killed(path);
    }
    let mut opened = Opened::default();
    let mut output = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        match answer(&mut opened, &line?) {
            Ok((nanoseconds, result)) => writeln!(output, "{nanoseconds}\t{result}")?,
            Err(error) => writeln!(output, "error\t{error}")?,
        }
        output.flush()?;
    }
    Ok(())
}

fn answer(opened: &mut Opened, line: &str) -> Answer {
    match line.split('\t').collect::<Vec<_>>().as_slice() {
        // Only the versions of the libraries matter, and run.mjs reads those from Cargo.lock.
        ["version"] => Ok((0, String::new())),
        ["find", path, length, needle] => {
            let (map, needle) = (opened.readable(path, length)?, bytes(needle)?);
            Ok(timed(|| position(memmem::find(map, &needle))))
        }
        ["rfind", path, length, needle] => {
            let (map, needle) = (opened.readable(path, length)?, bytes(needle)?);
            Ok(timed(|| position(memmem::rfind(map, &needle))))
        }
        ["openFindClose", path, length, needle] => {
            let (length, needle) = (length.parse()?, bytes(needle)?);
            let started = Instant::now();
            let map = map(path, length)?;
            let found = position(memmem::find(&map, &needle));
            drop(map);
            Ok((started.elapsed().as_nanos(), found))
        }
        ["findAll", path, length, needle] => {
            let (map, needle) = (opened.readable(path, length)?, bytes(needle)?);
            Ok(timed(|| {
                let (mut count, mut last) = (0_usize, None);
                for found in memmem::find_iter(map, &needle) {
                    count += 1;
                    last = Some(found);
                }
                format!("{count} {}", position(last))
            }))
        }
        ["count", path, length, needle] => {
            let (map, needle) = (opened.readable(path, length)?, bytes(needle)?);
            Ok(timed(|| count(map, &needle).to_string()))
        }
        ["openCountClose", path, length, needle] => {
            let (length, needle) = (length.parse()?, bytes(needle)?);
            let started = Instant::now();
            let map = map(path, length)?;
            let found = count(&map, &needle).to_string();
            drop(map);
            Ok((started.elapsed().as_nanos(), found))
        }
        ["regexMatches", path, length, source, flags] => {
            patterns::with_regex(opened.readable(path, length)?, &String::from_utf8(bytes(source)?)?, flags)
        }
        ["coreMatches", path, length, source, flags] => {
            patterns::with_core(opened.readable(path, length)?, &String::from_utf8(bytes(source)?)?, flags)
        }
        ["lines", path, length] => {
            let map = opened.readable(path, length)?;
            Ok(timed(|| lines(map).to_string()))
        }
        ["replaceThereAndBack", path, length, one, other] => {
            let (map, one, other) = (opened.writable(path, length)?, bytes(one)?, bytes(other)?);
            Ok(timed(|| (replace(map, &one, &other) + replace(map, &other, &one)).to_string()))
        }
        ["openReplaceThereAndBack", path, length, one, other] => {
            let (length, one, other) = (length.parse()?, bytes(one)?, bytes(other)?);
            let started = Instant::now();
            let there = replace(&mut map_writable(path, length)?, &one, &other);
            let back = replace(&mut map_writable(path, length)?, &other, &one);
            Ok((started.elapsed().as_nanos(), (there + back).to_string()))
        }
        ["randomReads", path, length, times] => {
            let (map, times) = (opened.readable(path, length)?, times.parse()?);
            let started = Instant::now();
            let sum = read_at_random(map, times);
            Ok((started.elapsed().as_nanos() / u128::from(times), format!("{sum:.6}")))
        }
        ["openReadClose", path, _, times] => bare::open_read_close(path, times.parse()?),
        ["openReadCloseBeside", path, length, times, count] => {
            opened.beside.resize_with(count.parse()?, || None);
            for place in &mut opened.beside {
                if place.is_none() {
                    *place = Some(map(path, length.parse()?)?);
                }
            }
            bare::open_read_close(path, times.parse()?)
        }
        ["pingPong", path, _, times, _] => ping_pong::ping_pong(path, times.parse()?),
        ["lockAndRelease", path, _] => bare::lock_and_release(path),
        ["evict", path] => bare::evict(path),
        _ => Err(format!("there is no operation {line:?}").into()),
    }
}

/// Counts the lines. `black_box` keeps the compiler from removing the slices.
fn lines(map: &[u8]) -> usize {
    let (mut count, mut start) = (0, 0);
    for end in memchr_iter(b'\n', map) {
        black_box(map.get(start..end));
        start = end + 1;
        count += 1;
    }
    count + usize::from(start < map.len())
}

fn count(map: &[u8], needle: &[u8]) -> usize {
    match needle {
        &[byte] => memchr_iter(byte, map).count(),
        _ => memmem::find_iter(map, needle).count(),
    }
}

/// The sum of numbers in records, as `readAtRandom` in `bench/peers/answer.mjs` reads them.
fn read_at_random(map: &[u8], times: u32) -> f64 {
    const RECORD: usize = 32;
    let records = map.len() / RECORD;
    let (mut state, mut sum) = (1_u32, 0.0);
    for _ in 0..times {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let start = (state as usize % records) * RECORD + 8;
        if let Some(number) = map.get(start..).and_then(|rest| rest.first_chunk()) {
            sum += f64::from_le_bytes(*number);
        }
    }
    sum
}

fn replace(map: &mut [u8], from: &[u8], to: &[u8]) -> usize {
    let finder = memmem::Finder::new(from);
    let (mut count, mut start) = (0, 0);
    // This does what `find_iter` does, which cannot be used while the same bytes are written to.
    while let Some(found) = map.get(start..).and_then(|rest| finder.find(rest)) {
        let end = start + found + from.len();
        if let Some(place) = map.get_mut(start + found..end) {
            place.copy_from_slice(to);
        }
        start = end;
        count += 1;
    }
    count
}

impl Opened {
    fn readable(&mut self, path: &str, length: &str) -> Result<&Mmap, Box<dyn Error>> {
        let key = format!("{path}\t{length}");
        if !self.readable.contains_key(&key) {
            self.readable.insert(key.clone(), map(path, length.parse()?)?);
        }
        self.readable.get(&key).ok_or_else(|| "the mapping is missing".into())
    }

    fn writable(&mut self, path: &str, length: &str) -> Result<&mut MmapMut, Box<dyn Error>> {
        let key = format!("{path}\t{length}");
        if !self.writable.contains_key(&key) {
            self.writable.insert(key.clone(), map_writable(path, length.parse()?)?);
        }
        self.writable.get_mut(&key).ok_or_else(|| "the mapping is missing".into())
    }
}

fn map(path: &str, length: usize) -> std::io::Result<Mmap> {
    let file = File::open(path)?;
    // SAFETY: only the peers change the file, and they take turns.
    unsafe { MmapOptions::new().len(length).map(&file) }
}

fn map_writable(path: &str, length: usize) -> std::io::Result<MmapMut> {
    let file = File::options().read(true).write(true).open(path)?;
    // SAFETY: only the peers change the file, and they take turns.
    unsafe { MmapOptions::new().len(length).map_mut(&file) }
}

fn timed(call: impl FnOnce() -> String) -> (u128, String) {
    let started = Instant::now();
    let result = call();
    (started.elapsed().as_nanos(), result)
}

/// The position as the other peers print it: -1 if there is none.
fn position(found: Option<usize>) -> String {
    found.map_or_else(|| "-1".to_owned(), |found| found.to_string())
}

fn bytes(hexadecimal: &str) -> Result<Vec<u8>, Box<dyn Error>> {
    let digits = hexadecimal.as_bytes().chunks(2);
    digits.map(|pair| Ok(u8::from_str_radix(str::from_utf8(pair)?, 16)?)).collect()
}

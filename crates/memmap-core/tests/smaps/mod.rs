//! What Linux knows of a mapping.

#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

use std::fs;
use std::path::Path;

/// Whether Linux was told that some page of `path` will be read from start to end.
pub fn is_read_in_order(path: &Path) -> bool {
    let maps = fs::read_to_string("/proc/self/smaps").unwrap();
    let mut of_path = false;
    maps.lines().any(|line| {
        // The flags are the last line about a kernel mapping, whose first line has its path.
        if line.contains('/') || line.contains(" 00:00 0") {
            of_path = line.ends_with(path.to_str().unwrap());
        }
        of_path && line.strip_prefix("VmFlags:").is_some_and(|flags| flags.split(' ').any(|flag| flag == "sr"))
    })
}

// Regular expressions: all matches as objects, in memory that has been touched before, and their
// number from path to answer, beside ripgrep on one thread and without Unicode.

import { hex, program } from './contenders.mjs'

const PATTERNS = [
  ['a word', 'deprecated', ''],
  ['a group after a word', 'ERROR \\[([\\w-]+)\\]', ''],
  ['a date in four groups', '(\\d{4})-(\\d\\d)-(\\d\\d)T(\\S+)', ''],
  ['a word in any case', 'timeout', 'i'],
  ['digits, no literal', '\\b\\d{4}ms', ''],
  ['an e-mail address, absent', '[\\w.]+@[\\w.]+\\.\\w+', ''],
  ['a whole line with a group', '^.* (\\d+)ms.*$', 'm'],
  ['every word', '\\w+', ''],
]

export const regexp = PATTERNS.flatMap(([what, source, flags]) => [
  {
    name: `RegExp: ${what}`,
    file: 'log of 32 MiB',
    unit: 'GB/s',
    ours: {
      label: `mm.matchAll(/${source}/${flags})`,
      peer: 'memmap',
      operation: 'matches',
      args: [hex(source), flags],
    },
    others: [
      { label: 'RegExp on text of 4 MiB parts', peer: 'fs' },
      { label: "CPython's re.finditer on its mmap", peer: 'CPython' },
      { label: 'Rust: regex::bytes on memmap2', peer: 'Rust' },
    ],
  },
  {
    name: `job: RegExp: count ${what}`,
    file: 'log of 128 MiB',
    unit: 'GB/s',
    ours: {
      label: `mmap + count(/${source}/${flags}) + close`,
      peer: 'memmap',
      operation: 'openCountMatchesClose',
      args: [hex(source), flags],
    },
    others: [
      {
        ...program('rg', '-j1', '-a', '--no-unicode', '--count-matches', flags === 'i' ? '-i' : '--', source),
        label: 'rg -j1 -a --no-unicode --count-matches',
      },
    ],
  },
])

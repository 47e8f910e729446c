// Regular expressions, in a log in which it is known how often each of them matches: all matches as
// objects, and the text of a group, in memory that has been touched before; their number from path
// to answer, beside ripgrep on one thread and without Unicode; and the engine in Rust beside that
// of the crate regex, both without JavaScript.

import { hex, program } from './contenders.mjs'

const V8 = { label: 'RegExp on text of 4 MiB parts', peer: 'fs' }
const CPYTHON = { label: "CPython's re.finditer on its mmap", peer: 'CPython' }

/** Ratios that are wanted of each pattern, unless it has another one. */
const BESIDE_CPYTHON = 2
const BESIDE_RIPGREP = 0.9
const BESIDE_REGEX = 0.8

/** Without `--include-zero` it prints nothing where nothing matches. */
const RIPGREP_OPTIONS = ['-j1', '-a', '--no-unicode', '--count-matches', '--include-zero']

/** `v8` and `python` are the ratios that are wanted beside V8's RegExp and CPython's re. */
const PATTERNS = [
  { what: 'a literal', source: 'connection refused', v8: 4 },
  { what: 'one of three literals', source: 'ECONNRESET|ETIMEDOUT|EPIPE' },
  { what: 'a group after a word', source: 'ERROR \\[(\\w+)\\]', v8: 5 },
  { what: 'an IPv4 address', source: '\\b(?:\\d{1,3}\\.){3}\\d{1,3}\\b', v8: 2.5 },
  { what: 'an e-mail address', source: '[\\w.+-]+@[\\w-]+\\.[\\w.-]+', v8: 30, python: 20 },
  { what: 'a date in four groups', source: '(\\d{4})-(\\d{2})-(\\d{2})T(\\d{2})', v8: 3, hasGroup: true },
  { what: 'a word in any case', source: 'timeout', flags: 'i', v8: 6 },
  { what: 'letters and digits, no literal', source: '[a-z]{4}[0-9]{3}[a-z]', v8: 6 },
  { what: 'a repeated alternative', source: '(?:a|b)*c' },
  { what: 'no match', source: 'qqqzzz\\d+', v8: 6 },
  { what: 'a line with its group', source: '^.*took (\\d+) ms$', flags: 'm', v8: 1, hasGroup: true },
  { what: 'every word', source: '\\w+', v8: 0.7 },
]

export const regexp = PATTERNS.flatMap(
  ({ what, source, flags = '', v8, python = BESIDE_CPYTHON, hasGroup = false }) => {
    const inMemory = { file: 'service log of 32 MiB', unit: 'GB/s' }
    const args = [hex(source), flags]
    const matchAll = `mm.matchAll(/${source}/${flags})`
    const textOfGroup = {
      name: `RegExp, the text of a group: ${what}`,
      ...inMemory,
      ours: { label: `${matchAll}, m.group(1)`, peer: 'memmap', operation: 'matchesWithGroup', args },
      others: [
        { ...V8, label: `${V8.label}, match[1]` },
        { ...CPYTHON, label: `${CPYTHON.label}, m[1]` },
      ],
    }
    return [
      {
        name: `RegExp: ${what}`,
        ...inMemory,
        ours: { label: matchAll, peer: 'memmap', operation: 'matches', args },
        others: [
          { ...V8, wanted: v8 },
          { ...CPYTHON, wanted: python },
        ],
      },
      ...(hasGroup ? [textOfGroup] : []),
      {
        name: `engine in Rust: ${what}`,
        ...inMemory,
        ours: { label: `memmap-core: PatternSearch of ${source}`, peer: 'Rust', operation: 'coreMatches', args },
        others: [{ label: 'regex::bytes: find_iter', peer: 'Rust', operation: 'regexMatches', wanted: BESIDE_REGEX }],
      },
      {
        name: `job: RegExp: count ${what}`,
        file: 'service log of 128 MiB',
        unit: 'GB/s',
        ours: {
          label: `mmap + count(/${source}/${flags}) + close`,
          peer: 'memmap',
          operation: 'openCountMatchesClose',
          args,
        },
        others: [
          {
            ...program('rg', ...RIPGREP_OPTIONS, flags === 'i' ? '-i' : '--', source),
            label: 'rg -j1 -a --no-unicode --count-matches',
            wanted: BESIDE_RIPGREP,
          },
        ],
      },
    ]
  },
)

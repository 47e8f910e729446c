// The arguments of the programs in examples/, and what they print when they work. ava runs them,
// and so do the scripts that install the package. The programs themselves check files and memory.

const assert = require('node:assert/strict')

exports.EXAMPLES = [
  {
    name: 'read-write',
    title: 'reads and writes a file through its mapping',
    args: [],
    verify(output) {
      assert.match(output, /the first line: "Hello World!\\n"/)
      assert.match(output, /the file now begins with "HELLO Earth!"/)
      assert.match(output, /resized to 12 bytes, and the file with it: 12/)
    },
  },
  {
    name: 'find-and-replace',
    title: 'replaces every occurrence in a real text',
    // MiB.
    args: ['16'],
    verify(output) {
      const [, copies, replaced] = /: (\d+) copies of \d+ bytes\nreplaced (\d+) of "function"/.exec(output) ?? []
      assert.equal(copies, '2', output)
      assert.ok(Number(replaced) > 10_000, output)
    },
  },
  {
    name: 'share-by-name',
    title: 'has two processes see what the other writes',
    args: [],
    verify(output) {
      const [parent, child, back] = [...output.matchAll(/^process (\d+) (.*)$/gm)].map(([, pid, text]) => ({
        pid,
        text,
      }))
      assert.equal(parent?.text, 'wrote "Hello from the parent"', output)
      assert.equal(child?.text, 'read  "Hello from the parent"')
      assert.equal(back?.text, 'reads "Hello from the child"')
      assert.equal(back?.pid, parent?.pid)
      assert.notEqual(child?.pid, parent?.pid)
    },
  },
  {
    name: 'ring-buffer',
    title: 'passes messages from one process to another',
    // MiB.
    args: ['32'],
    verify(output) {
      const figures = /^(\d+) messages of (\d+) bytes in [\d.]+ s: \d+ a second, \d+ MiB\/s$/gm
      const runs = [...output.matchAll(figures)].map(([, count, size]) => `${count} of ${size}`)
      assert.deepEqual(runs, ['32000 of 64', '512 of 65536'], output)
    },
  },
  {
    name: 'record-store',
    title: 'repairs what killed processes have left',
    // How many are killed.
    args: ['8'],
    verify(output) {
      const [, updates, repaired] = /^(\d+) updates; 8 processes were killed, (\d+) accounts/m.exec(output) ?? []
      assert.ok(Number(updates) >= 400, output)
      assert.ok(Number(repaired) >= 1, output)
      assert.match(output, /^account \d+: process \d+ left deposits /m)
      assert.match(output, /^all 16 accounts are right/m)
    },
  },
  {
    name: 'tail',
    title: 'follows a log that grows, is truncated and is rotated',
    args: [],
    verify(output) {
      // The scripts cut off the end of the last line.
      assert.equal(
        output.replaceAll('\r', '').trimEnd(),
        [
          ...['line 98', 'line 99', 'line 100', 'a line that was appended', 'a line after the truncation'],
          ...['the last line of the old file', 'a line of the new file'],
        ].join('\n'),
      )
    },
  },
]

// Lines. Bytes are compared with bytes, and text with text. Text is read from path to answer.

export const lines = [
  {
    name: 'lines, as bytes',
    file: 'log',
    unit: 'million lines/s',
    ours: { label: 'mm.lines', peer: 'memmap', operation: 'lines', args: [] },
    others: [
      { label: 'Rust: memchr on memmap2', peer: 'Rust' },
      { label: "CPython's iter(m.readline, b''), copies", peer: 'CPython', wanted: 2, aim: 3 },
      { label: 'indexOf + subarray on the same mapped bytes', peer: 'mm.view(Buffer)' },
      { label: 'Bun.mmap + indexOf + subarray', peer: 'Bun.mmap' },
    ],
  },
  {
    name: 'lines, as text',
    chart: 'Read all lines as strings',
    file: 'log',
    unit: 'million lines/s',
    ours: {
      label: "mmap + lines({ encoding: 'utf8' }) + close",
      peer: 'memmap',
      operation: 'openTextLinesClose',
      args: [],
    },
    others: [
      { label: 'node:readline', peer: 'fs', operation: 'readline', wanted: 2, bar: 'Node: readline' },
      {
        label: "CPython: for line in open(path, encoding='utf8')",
        peer: 'CPython',
        operation: 'textLines',
        bar: 'CPython: open',
      },
    ],
  },
  {
    // One string may not have more than 512 MiB.
    name: 'lines, as text, in 128 MiB',
    file: 'log of 128 MiB',
    unit: 'million lines/s',
    ours: {
      label: "mmap + lines({ encoding: 'utf8' }) + close",
      peer: 'memmap',
      operation: 'openTextLinesClose',
      args: [],
    },
    others: [{ label: "readFileSync + toString + split('\\n')", peer: 'fs', operation: 'readFileSplit', wanted: 1 }],
  },
]

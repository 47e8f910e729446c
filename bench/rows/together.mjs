// Processes that work together. A ping-pong is between two processes of Node. With memmap, each
// writes its message into the mapping, where the other reads it in place. process.send sends a
// number, or a Buffer with `serialization: 'advanced'`.

const SIZES = [
  ['a word', 20_000, 0, { wait: 0.25, async: 1.1 }],
  ['64 KiB', 2000, 2 ** 16, { wait: 0.125, async: 0.5 }],
  ['1 MiB', 200, 2 ** 20, { wait: 0.1, async: 0.1 }],
]

export const together = [
  ...SIZES.flatMap(([what, times, payload, wanted]) => [
    {
      name: `ping-pong of ${what}, blocking`,
      file: 'shared',
      unit: 'µs',
      ours: { label: 'wait + notify', peer: 'memmap', operation: 'pingPongWait', args: [times, payload] },
      others: [
        { label: 'process.send', peer: 'fs', operation: 'pingPongSend', wanted: wanted.wait },
        ...(payload === 0 ? [{ label: 'Rust: a futex', peer: 'Rust', operation: 'pingPong', wanted: 1.5 }] : []),
      ],
    },
    {
      name: `ping-pong of ${what}, as promises`,
      file: 'shared',
      unit: 'µs',
      ours: { label: 'waitAsync + notify', peer: 'memmap', operation: 'pingPongWaitAsync', args: [times, payload] },
      others: [{ label: 'process.send', peer: 'fs', operation: 'pingPongSend', wanted: wanted.async }],
    },
  ]),
  {
    name: 'notify, and nobody waits',
    file: 'shared',
    unit: 'ns',
    ours: { label: 'notify', peer: 'memmap', operation: 'notifyNobody', args: [], below: 1000 },
    others: [],
  },
  {
    name: '1000 pending waitAsync: wake them, and await all',
    file: 'shared',
    unit: 'ms',
    ours: { label: 'notify + Promise.all', peer: 'memmap', operation: 'wakeAll', args: [1000], below: 50 },
    others: [],
  },
  {
    name: 'lock a range and release it, uncontended',
    file: 'shared',
    unit: 'ns',
    ours: { label: 'lockRangeSync + release', peer: 'memmap', operation: 'lockAndRelease', args: [] },
    others: [{ label: 'Rust: fcntl(F_OFD_SETLK), twice', peer: 'Rust', wanted: 4 }],
  },
  {
    name: '4 processes contend for a lock, one turn',
    file: 'shared',
    unit: 'µs',
    ours: { label: 'lockRange + release', peer: 'memmap', operation: 'contend', args: [200] },
    others: [
      { label: 'fs-native-extensions: waitForLock', peer: 'fs-native-extensions', wanted: 0.5 },
      { label: 'proper-lockfile', peer: 'proper-lockfile', wanted: 0.1 },
    ],
  },
]

// Two processes share memory by a name, and each sees what the other writes.
//
// A Python programmer writes, on Windows only:       Here, everywhere:
//   mmap.mmap(-1, 1024, tagname='shared_memory')       mmap(-1, 1024, { tagname: 'shared_memory' })

import assert from 'node:assert/strict'
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { mmap } from 'memmap'

const TAGNAME = 'shared_memory'

if (process.send === undefined) await parent()
else child()

async function parent(): Promise<void> {
  using region = mmap(-1, 1024, { tagname: TAGNAME })
  region.write('Hello from the parent')
  console.log(`process ${process.pid} wrote ${JSON.stringify(textAt(region.slice(0, 64)))}`)

  const other = fork(fileURLToPath(import.meta.url), { execArgv: process.execArgv })
  console.log(`process ${other.pid} read  ${JSON.stringify(await nextMessage(other))}`)
  console.log(`process ${process.pid} reads ${JSON.stringify(textAt(region.slice(64, 128)))}`)
  assert.equal(textAt(region.slice(64, 128)), 'Hello from the child')
  other.send('done')
  await once(other, 'exit')
}

function child(): void {
  const region = mmap(-1, 1024, { tagname: TAGNAME })
  region.seek(64)
  region.write('Hello from the child')
  process.send?.(textAt(region.slice(0, 64)))
  process.once('message', () => {
    region.close()
    process.disconnect()
  })
}

async function nextMessage(other: ChildProcess): Promise<unknown> {
  const [message] = await once(other, 'message')
  return message
}

/** The text before the first zero. A new region contains only zeros. */
function textAt(bytes: Buffer): string {
  return bytes.subarray(0, bytes.indexOf(0)).toString()
}

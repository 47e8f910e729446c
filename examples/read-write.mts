// Reads and writes a file through its mapping, as a file and as bytes.
//
// A Python programmer writes:                          Here:
//   with open(path, 'r+b') as f:
//     with mmap.mmap(f.fileno(), 0) as mm:               using mm = mmap(path)
//       mm.readline()                                    mm.readLine()
//       mm[:5]                                           mm.slice(0, 5)
//       mm.find(b'...')                                  mm.find('...')
//       mm[6:11] = b'Earth'                              mm.setSlice('Earth', 6, 11)
//       mm.seek(0)                                       mm.seek(0)

import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ACCESS_READ, mmap } from 'memmap'

const directory = mkdtempSync(join(tmpdir(), 'memmap-'))
const path = join(directory, 'hello.txt')
try {
  writeFileSync(path, 'Hello World!\nThis is a memory-mapped file.\n')

  {
    using mm = mmap(path, { access: ACCESS_READ })
    console.log(`${mm.length} bytes are mapped`)
    console.log(`the first line: ${JSON.stringify(mm.readLine().toString())}`)
    console.log(`the first five bytes: ${mm.slice(0, 5)}`)
    console.log(`"memory" is at ${mm.find('memory')}, the last line break at ${mm.rfind('\n')}`)
    console.log(`the last byte, through a view without a copy: ${mm.bytes[mm.length - 1]}`)
    // `bytes` is a view, which stays valid after the block. Windows does not truncate or remove a
    // file while a view of it exists, so the memory is unmapped here.
    mm.unmap()
  }

  {
    using mm = mmap(path)
    mm.setSlice('Earth', 6, 11)
    mm.seek(0)
    mm.write('HELLO')
    mm.flush()
  }
  const text = readFileSync(path, 'utf8')
  console.log(`the file now begins with ${JSON.stringify(text.slice(0, 12))}`)
  assert.equal(text, 'HELLO Earth!\nThis is a memory-mapped file.\n')

  {
    using mm = mmap(path)
    mm.resize(12)
    console.log(`resized to ${mm.length} bytes, and the file with it: ${mm.size()}`)
  }
  assert.equal(readFileSync(path, 'utf8'), 'HELLO Earth!')
} finally {
  rmSync(directory, { recursive: true })
}

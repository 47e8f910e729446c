// A copy of a Node that takes no memory of others, as Electron's does: its functions for that answer 22,
// napi_no_external_buffers_allowed. Nothing else changes. scripts/test-runtimes.mjs makes some of them, too.

import { chmodSync, readFileSync, writeFileSync } from 'node:fs'

const REFUSED = [
  'napi_create_external_arraybuffer',
  'napi_create_external_buffer',
  'node_api_create_external_sharedarraybuffer',
]
const RETURN_22 = {
  x64: Buffer.from('b816000000c3', 'hex'),
  arm64: Buffer.from('c0028052c0035fd6', 'hex'),
}

const LOADED_SEGMENT = 1
const DYNAMIC_SYMBOLS = 11

/** Writes the copy of `program` to `path`, or says why not. */
export function writeRefusingNode(path: string, program: string = process.execPath): string | undefined {
  const code = process.arch === 'x64' || process.arch === 'arm64' ? RETURN_22[process.arch] : undefined
  if (process.platform !== 'linux' || code === undefined) return 'only an ELF executable for x64 or arm64 is patched'
  const elf = readFileSync(program)
  const functions = exportedFunctions(elf)
  for (const name of REFUSED) {
    const at = functions.get(name)
    if (at !== undefined) code.copy(elf, at)
  }
  if (!functions.has('napi_create_external_arraybuffer')) return 'this Node exports no Node-API'
  writeFileSync(path, elf)
  chmodSync(path, 0o755)
  return undefined
}

/** Where in the file each exported symbol is, by name. The numbers are those of ELF's 64-bit structures. */
function exportedFunctions(elf: Buffer): Map<string, number> {
  const u64 = (at: number): number => Number(elf.readBigUInt64LE(at))
  const rows = (count: number, start: number, size: number): number[] =>
    Array.from({ length: count }, (_, index) => start + index * size)
  const segments = rows(elf.readUInt16LE(0x38), u64(0x20), 56).filter((at) => elf.readUInt32LE(at) === LOADED_SEGMENT)
  const sections = rows(elf.readUInt16LE(0x3c), u64(0x28), 64)
  const symbols = sections.find((at) => elf.readUInt32LE(at + 4) === DYNAMIC_SYMBOLS) ?? 0
  const names = u64((sections[elf.readUInt32LE(symbols + 40)] ?? 0) + 24)

  const inFile = (address: number): number => {
    const segment = segments.find((at) => address >= u64(at + 16) && address < u64(at + 16) + u64(at + 32))
    return segment === undefined ? -1 : address - u64(segment + 16) + u64(segment + 8)
  }
  const functions = new Map<string, number>()
  for (const symbol of rows(u64(symbols + 32) / 24, u64(symbols + 24), 24)) {
    const start = names + elf.readUInt32LE(symbol)
    const name = elf.toString('latin1', start, elf.indexOf(0, start))
    if (REFUSED.includes(name)) functions.set(name, inFile(u64(symbol + 8)))
  }
  return functions
}

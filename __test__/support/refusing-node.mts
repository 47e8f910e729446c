// A copy of Node that refuses external memory, as Electron's Node does: its functions for that
// return 22, napi_no_external_buffers_allowed. Nothing else changes. scripts/matrix/runtimes.mjs
// makes such copies, too.

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

/** Writes the copy of `program` to `path`. Returns the reason if it cannot. */
export function writeRefusingNode(path: string, program: string = process.execPath): string | undefined {
  const code = process.arch === 'x64' || process.arch === 'arm64' ? RETURN_22[process.arch] : undefined
  const exportedFunctions = { linux: exportedByElf, win32: exportedByPe }[process.platform as 'linux' | 'win32']
  if (exportedFunctions === undefined || code === undefined) {
    return 'only ELF and PE executables for x64 and arm64 are patched'
  }
  const executable = readFileSync(program)
  const functions = exportedFunctions(executable)
  for (const name of REFUSED) {
    const at = functions.get(name)
    if (at !== undefined) code.copy(executable, at)
  }
  if (!functions.has('napi_create_external_arraybuffer')) return 'this Node exports no Node-API'
  writeFileSync(path, executable)
  chmodSync(path, 0o755)
  return undefined
}

function rows(count: number, start: number, size: number): number[] {
  return Array.from({ length: count }, (_, index) => start + index * size)
}

/**
 * Where in the file each function is that {@link REFUSED} names. The numbers are those of ELF's
 * 64-bit structures.
 */
function exportedByElf(elf: Buffer): Map<string, number> {
  const u64 = (at: number): number => Number(elf.readBigUInt64LE(at))
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

/** Like {@link exportedByElf}, for Windows. The numbers are those of PE's 64-bit structures. */
function exportedByPe(pe: Buffer): Map<string, number> {
  const u16 = (at: number): number => pe.readUInt16LE(at)
  const u32 = (at: number): number => pe.readUInt32LE(at)
  const header = u32(0x3c)
  const optionalHeader = header + 24
  const sections = rows(u16(header + 6), optionalHeader + u16(header + 20), 40)

  const inFile = (address: number): number => {
    const section = sections.find((at) => address >= u32(at + 12) && address < u32(at + 12) + u32(at + 16))
    return section === undefined ? -1 : address - u32(section + 12) + u32(section + 20)
  }
  const directory = inFile(u32(optionalHeader + 112))
  const [addresses = 0, names = 0, ordinals = 0] = [28, 32, 36].map((at) => inFile(u32(directory + at)))
  const functions = new Map<string, number>()
  for (const index of rows(u32(directory + 24), 0, 1)) {
    const start = inFile(u32(names + 4 * index))
    const name = pe.toString('latin1', start, pe.indexOf(0, start))
    if (REFUSED.includes(name)) functions.set(name, inFile(u32(addresses + 4 * u16(ordinals + 2 * index))))
  }
  return functions
}

// memmap hexdump FILE

import { parseArgs } from 'node:util'
import { ACCESS_READ, mmap } from 'memmap'
import { optionalSize, positionals } from './arguments.js'
import { colours, DIM, type Output, RESET } from './output.js'

export const HEXDUMP_HELP = `Usage: memmap hexdump [OPTION]... FILE

Prints bytes as "hexdump -C" does: position, 16 bytes, and these as text.

  -s, --skip N        begins at byte N: 4096, 0x1000, 64k, 1.5g
  -n, --length N      prints N bytes
  -v, --no-squeezing  prints all rows; otherwise "*" stands for rows like the one before
      --color WHEN    always, never, or auto (on a terminal, unless NO_COLOR is set)
      --json          prints an object for each row: {"offset":0,"hex":"68 69","text":"hi"}
  -h, --help          prints this
`

const ROW = 16
const PIECE = 4096 * ROW

export async function hexdump(args: string[], output: Output): Promise<number> {
  const { values, positionals: given } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      skip: { type: 'string', short: 's' },
      length: { type: 'string', short: 'n' },
      'no-squeezing': { type: 'boolean', short: 'v', default: false },
      color: { type: 'string', default: 'auto' },
      json: { type: 'boolean', default: false },
    },
  })
  const [file = ''] = positionals(given, ['FILE'])
  const start = optionalSize(values.skip, '--skip') ?? 0
  const length = optionalSize(values.length, '--length')
  const inColour = colours(values.color)

  using mm = mmap(file, { access: ACCESS_READ, allowEmpty: true })
  const stop = Math.min(length === undefined ? mm.length : start + length, mm.length)
  let last = ''
  let isSqueezing = false
  for (let piece = start; piece < stop; piece += PIECE) {
    // A copy, because others may write to the file while a row is made of it.
    const bytes = mm.slice(piece, Math.min(piece + PIECE, stop))
    for (let at = 0; at < bytes.length; at += ROW) {
      const row = bytes.subarray(at, at + ROW)
      if (values.json) {
        await output.write(`${JSON.stringify({ offset: piece + at, hex: hexOf(row), text: textOf(row) })}\n`)
        continue
      }
      const content = row.toString('latin1')
      const isSame = content === last && row.length === ROW && !values['no-squeezing']
      if (!isSame) await output.write(rowOf(piece + at, row, inColour))
      else if (!isSqueezing) await output.write('*\n')
      isSqueezing = isSame
      last = content
    }
  }
  if (!values.json && stop > start) await output.write(`${address(stop)}\n`)
  return 0
}

function rowOf(offset: number, row: Buffer, inColour: boolean): string {
  const halves = [row.subarray(0, 8), row.subarray(8)].map((half) => hexOf(half).padEnd(23))
  const hex = halves.join('  ')
  const painted = inColour ? hex.replaceAll(/\b00( 00)*\b/g, (zeros) => `${DIM}${zeros}${RESET}`) : hex
  const at = inColour ? `${DIM}${address(offset)}${RESET}` : address(offset)
  return `${at}  ${painted}  |${textOf(row)}|\n`
}

function address(offset: number): string {
  return offset.toString(16).padStart(8, '0')
}

function hexOf(bytes: Buffer): string {
  return bytes.toString('hex').replaceAll(/..(?=.)/g, '$& ')
}

/** Printable ASCII, and a dot for every other byte. */
function textOf(bytes: Buffer): string {
  return bytes.toString('latin1').replaceAll(/[^ -~]/g, '.')
}

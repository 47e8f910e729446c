// memmap replace OLD NEW FILE

import { parseArgs } from 'node:util'
import { ACCESS_READ, ACCESS_WRITE, type Mmap, mmap } from 'memmap'
import { hexBytes, optionalSize, positionals, UsageError } from './arguments.js'
import { type Output, ProgressBar } from './output.js'

export const REPLACE_HELP = `Usage: memmap replace [OPTION]... OLD NEW FILE

Replaces each OLD in the file by NEW, in place. Both must have the same length in bytes.
Ctrl-C stops, and says how many were replaced by then.

  -n, --dry-run     only counts
  -x, --hex         OLD and NEW are hexadecimal digits, such as "0d 0a"
      --start N     begins at byte N: 4096, 0x1000, 64k, 1.5g
      --stop N      ends before byte N
      --json        prints an object
  -h, --help        prints this

Exit code: 0 if OLD was found, 1 if not, 2 for an error, 130 after Ctrl-C.
`

const STOPPED = 130

type Bytes = string | Uint8Array

export async function replace(args: string[], output: Output): Promise<number> {
  const { values, positionals: given } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      'dry-run': { type: 'boolean', short: 'n', default: false },
      hex: { type: 'boolean', short: 'x', default: false },
      start: { type: 'string' },
      stop: { type: 'string' },
      json: { type: 'boolean', default: false },
    },
  })
  const [old = '', replacement = '', file = ''] = positionals(given, ['OLD', 'NEW', 'FILE'])
  const from = values.hex ? hexBytes(old, 'OLD') : old
  const to = values.hex ? hexBytes(replacement, 'NEW') : replacement
  const start = optionalSize(values.start, '--start') ?? 0
  const stop = optionalSize(values.stop, '--stop')
  refuseUnequal(from, to)

  const dryRun = values['dry-run']
  const abort = new AbortController()
  const interrupt = () => abort.abort()
  process.once('SIGINT', interrupt)
  using mm = mmap(file, { access: dryRun ? ACCESS_READ : ACCESS_WRITE, allowEmpty: true })
  const extent = { start, stop: stop ?? mm.length }
  const { count, stopped } = await replaced(mm, from, to, { ...extent, dryRun, signal: abort.signal })
  process.off('SIGINT', interrupt)
  if (values.json) await output.write(`${JSON.stringify({ file, count, dryRun, stopped })}\n`)
  else await output.write(`${sentence(count, file, dryRun, stopped)}\n`)
  if (stopped) return STOPPED
  return count > 0 ? 0 : 1
}

function refuseUnequal(from: Bytes, to: Bytes): void {
  const [has, wanted] = [Buffer.byteLength(to), Buffer.byteLength(from)]
  if (wanted === 0) throw new UsageError('OLD is empty')
  if (has !== wanted) {
    throw new UsageError(`OLD and NEW have ${wanted} and ${has} bytes: they must have the same length`)
  }
}

interface Work {
  start: number
  stop: number
  dryRun: boolean
  signal: AbortSignal
}

/** How many were replaced, or found, and whether Ctrl-C stopped it. */
async function replaced(
  mm: Mmap,
  from: Bytes,
  to: Bytes,
  { dryRun, ...range }: Work,
): Promise<{ count: number; stopped: boolean }> {
  const bar = new ProgressBar(dryRun ? 'counting' : 'replacing')
  const options = { ...range, onProgress: bar.show }
  try {
    const work = dryRun ? mm.countAsync(from, options) : mm.replaceAllAsync(from, to, options)
    return { count: await work, stopped: false }
  } catch (error) {
    const { code, replaced = 0 } = error as { code?: string; replaced?: number }
    if (code !== 'ABORT_ERR') throw error
    return { count: replaced, stopped: true }
  } finally {
    bar.clear()
  }
}

function sentence(count: number, file: string, dryRun: boolean, stopped: boolean): string {
  const found = `${count} ${dryRun ? 'found' : 'replaced'} in ${file}`
  if (stopped) return dryRun ? `stopped before all of ${file} was read` : `stopped: ${found} so far`
  return dryRun ? `${found}; nothing was changed` : found
}

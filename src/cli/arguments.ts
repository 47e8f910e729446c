// The arguments of the command: sizes, ranges and bytes.

/** A mistake in the arguments: the command also says where its help is. */
export class UsageError extends Error {}

const UNITS: Record<string, number> = { '': 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3, t: 1024 ** 4 }

/** A number of bytes, such as 4096, 0x1000, 64k or 1.5g. */
export function size(text: string, option: string): number {
  const [, digits = '', unit = ''] = /^(0x[0-9a-f]+|\d+(?:\.\d+)?)([kmgt]?)(?:i?b)?$/i.exec(text) ?? []
  const bytes = Number(digits) * (UNITS[unit.toLowerCase()] ?? Number.NaN)
  if (digits === '' || !Number.isSafeInteger(bytes)) {
    throw new UsageError(`${option} is a number of bytes, such as 4096, 0x1000 or 64k, and not "${text}"`)
  }
  return bytes
}

export function optionalSize(text: string | undefined, option: string): number | undefined {
  return text === undefined ? undefined : size(text, option)
}

/** The bytes of hexadecimal digits, with or without spaces between them. */
export function hexBytes(text: string, name: string): Uint8Array {
  const digits = text.replaceAll(/\s/g, '')
  if (!/^([0-9a-f]{2})*$/i.test(digits)) {
    throw new UsageError(`${name} is hexadecimal digits, two for each byte, and not "${text}"`)
  }
  return Buffer.from(digits, 'hex')
}

/** The arguments that are no options, of which there must be one for each name. */
export function positionals(given: string[], names: string[]): string[] {
  const [missing] = names.slice(given.length)
  if (missing !== undefined) throw new UsageError(`${missing} is missing`)
  const [extra] = given.slice(names.length)
  if (extra !== undefined) throw new UsageError(`"${extra}" is one argument too many`)
  return given
}

/** A number of bytes for people: "1.5 GiB". */
export function inUnits(bytes: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB']
  let [value, index] = [bytes, 0]
  while (value >= 1024 && index < units.length - 1) {
    value /= 1024
    index += 1
  }
  const digits = index === 0 || value >= 100 || Number.isInteger(value) ? 0 : 1
  return `${value.toFixed(digits)} ${units[index]}`
}

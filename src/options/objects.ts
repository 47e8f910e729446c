// Objects that users pass as options: which objects are options, and whether all names are known.

import { isAnyArrayBuffer, isBoxedPrimitive, isDate, isNativeError, isPromise, isRegExp } from 'node:util/types'
import { isArrayOrRevoked } from '../arguments.js'
import { wrongType, wrongValue } from '../errors.js'

/** It has no prototype, so that a property which somebody adds to Object.prototype is no option. */
const NO_OPTIONS = Object.freeze(Object.create(null))

/** Options, but no string or array: those have a `length`, too. */
export type NotText<Options> = Options & { readonly [Symbol.iterator]?: never }

/**
 * Whether the argument in the place of `start` holds all options. If there are more arguments, it
 * is a wrong `start`.
 */
export function isOptions(start: unknown, ...others: unknown[]): boolean {
  return isObject(start) && others.every((other) => other === undefined)
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !isArrayOrRevoked(value)
}

/** `method` is how the error calls what has these options. */
export function optionsArgument(options: unknown, names: readonly string[], method: string): object {
  if (options === undefined) return NO_OPTIONS
  if (!isObject(options) || looksMisplaced(options)) throw wrongType('options', 'of type object', options)
  refuseUnknown(options, 'options.', names, method)
  return options
}

/** An option that is neither missing nor a boolean, and so has options of its own. */
export function objectOption(value: unknown, name: string, names: readonly string[]): object {
  if (!isObject(value)) throw wrongType(name, `of type boolean, or an object with ${names.join(', ')}`, value)
  refuseUnknown(value, `options.${name}.`, names, 'mmap')
  return value
}

/** Options by the names that other libraries and earlier versions have for them. */
const OTHER_NAMES: ReadonlyMap<string, string> = new Map([
  ['shared', 'sharedArrayBuffer'],
  ['maxLength', 'maxByteLength'],
])

function refuseUnknown(options: object, prefix: string, names: readonly string[], method: string): void {
  for (const name of Object.keys(options)) {
    if (names.includes(name)) continue
    const meant = OTHER_NAMES.get(name)
    const allowed =
      meant !== undefined && names.includes(meant) ? `It is called "${meant}"` : `Options are ${names.join(', ')}`
    throw wrongValue(`The property "${prefix}${name}" is not an option of ${method}. ${allowed}`)
  }
}

/**
 * Whether an object is probably passed by mistake: above all a signal, instead of `{ signal }`, and
 * bytes, whose `length` is none of ours. Most have no property that is an option, and would be
 * ignored silently.
 */
function looksMisplaced(value: object): boolean {
  if (isAnyArrayBuffer(value) || ArrayBuffer.isView(value)) return true
  if (isDate(value) || isPromise(value) || isRegExp(value) || isNativeError(value)) return true
  return isBoxedPrimitive(value) || Symbol.iterator in value || 'aborted' in value || 'href' in value
}

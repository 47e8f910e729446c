// Features of the runtime.

/**
 * Whether a mapping can be relocated to the addresses of a growable SharedArrayBuffer. Bun's engine
 * reuses the addresses of such a buffer without unmapping them. Windows cannot map over addresses
 * in use.
 */
export const CAN_RELOCATE = process.platform !== 'win32' && process.versions.bun === undefined

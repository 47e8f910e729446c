// What this runtime can do.

/**
 * Whether a mapping can be relocated into a SharedArrayBuffer of the engine, which can grow. Bun's
 * engine gives the addresses of such a buffer to others without unmapping them, and Windows cannot
 * map over addresses in use.
 */
export const CAN_RELOCATE = process.platform !== 'win32' && process.versions.bun === undefined

// What random tests of a run begin with. HOSTILE_SEED repeats a run; each file prints it.

export const SEED = Number(process.env.HOSTILE_SEED ?? Date.now() % 2 ** 31)

// The seed of random tests. HOSTILE_SEED repeats a run. Each file with random tests prints it.

export const SEED = Number(process.env.HOSTILE_SEED ?? Date.now() % 2 ** 31)

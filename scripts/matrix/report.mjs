// Text for the reports of commands that run scenarios.

/** Keeps the first and last lines, because an engine that aborts prints long tables in between. */
export function shortened(text) {
  const lines = text.split('\n')
  if (lines.length <= 30) return text
  return [...lines.slice(0, 20), `... ${lines.length - 28} lines ...`, ...lines.slice(-8)].join('\n')
}

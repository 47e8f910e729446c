// What the reports of scripts that play scenarios have in common.

/** The first lines and the last ones: an engine that aborts prints long tables in between. */
export function shortened(text) {
  const lines = text.split('\n')
  if (lines.length <= 30) return text
  return [...lines.slice(0, 20), `... ${lines.length - 28} lines ...`, ...lines.slice(-8)].join('\n')
}

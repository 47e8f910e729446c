// Draws the charts of the README as SVG: groups of bars with one title each. The first shows the
// rows that are marked `chart`, the second how time depends on the number of cores.

import { writeFileSync } from 'node:fs'

const WIDTH = 480
const BARS_AT = 150
const LONGEST_BAR = 195
const BAR = 18
const STEP = 24
const GROUP_GAP = 20
const CAPTION_CHARACTERS = 78

/** An image does not know the page's colours, but whether the reader prefers dark or light. */
const STYLE = `
text { font: 14px system-ui, -apple-system, "Segoe UI", sans-serif; fill: #1f2328 }
.title { font-size: 17px; font-weight: 600 }
.group { font-weight: 600 }
.caption { font-size: 11px; fill: #59636e }
.ours { fill: #0969da }
.other { fill: #afb8c1 }
.stripes { stroke: #818b98; stroke-width: 5 }
.mark { stroke: #1f2328; stroke-width: 2 }
@media (prefers-color-scheme: dark) {
  text { fill: #f0f6fc }
  .caption { fill: #9198a1 }
  .ours { fill: #4493f8 }
  .other { fill: #656c76 }
  .stripes { stroke: #9198a1 }
  .mark { stroke: #f0f6fc }
}`
const STRIPES =
  '<pattern id="stripes" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">' +
  '<path class="stripes" d="M0 0V7"/></pattern>'

/** Writes the chart that compares memmap with its peers. */
export function drawPeers(results, path) {
  const groups = results.rows
    .filter(({ chart, ours }) => chart && ours.value !== undefined)
    .map(({ chart, unit, ours, others }) => ({
      title: chart,
      bars: [{ ...ours, bar: 'memmap' }, ...others.filter(({ bar, value }) => bar && value !== undefined)].map(
        ({ bar, value, limit }, index) => ({
          label: limit ? `${bar}, 1 core` : bar,
          value,
          text: `${Number(value.toPrecision(2))} ${unit}`,
          style: limit ? 'limit' : index === 0 ? 'ours' : 'other',
        }),
      ),
    }))
  const title = `A log of ${amount(results.size)}${results.files === 'in memory' ? ' in memory' : ''}: longer is faster`
  return draw(path, title, groups, caption(results))
}

/** Writes the chart of time and cores. */
export function drawCores(results, path) {
  const measured = results.rows.filter(({ cores, ours }) => cores && ours.value !== undefined)
  const groups = [...new Set(measured.map(({ cores }) => cores.series))].map((series) => {
    const ofSeries = measured.filter(({ cores }) => cores.series === series)
    const onOne = ofSeries.find(({ cores }) => cores.count === 1)?.ours.value
    return {
      title: series,
      bars: ofSeries.map(({ cores: { count }, unit, ours: { value } }) => ({
        label: count === 1 ? '1 core' : `${count} cores`,
        value,
        text: `${Number(value.toPrecision(2))} ${unit}`,
        style: 'ours',
        mark: count === 1 || onOne === undefined ? undefined : onOne / count,
      })),
    }
  })
  const explanation = 'A vertical line shows the time of one core, divided by the number of cores.'
  const title = `A log of ${amount(results.size)} on several cores: shorter is faster`
  return draw(path, title, groups, [explanation, ...caption(results)])
}

/** Writes nothing if there are no groups. Returns whether it has written the file. */
function draw(path, title, groups, captionLines) {
  if (groups.length === 0) return false
  let y = 22
  const parts = [`<text class="title" x="0" y="${y}">${escaped(title)}</text>`]
  for (const group of groups) {
    y += GROUP_GAP + 14
    parts.push(`<text class="group" x="0" y="${y}">${escaped(group.title)}</text>`)
    y += 8
    const most = Math.max(...group.bars.map(({ value }) => value))
    for (const bar of group.bars) {
      parts.push(drawBar(bar, y, LONGEST_BAR / most))
      y += STEP
    }
  }
  y += GROUP_GAP
  for (const line of captionLines) {
    parts.push(`<text class="caption" x="0" y="${y}">${escaped(line)}</text>`)
    y += 15
  }
  const svg = [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" viewBox="0 0 ${WIDTH} ${y}" role="img">`,
    `<title>${escaped(title)}</title>`,
    `<style>${STYLE}\n</style>`,
    `<defs>${STRIPES}</defs>`,
    ...parts,
    '</svg>\n',
  ].join('\n')
  writeFileSync(path, svg)
  return true
}

function drawBar({ label, value, text, style, mark }, y, scale) {
  const length = Math.max(value * scale, 1).toFixed(1)
  const baseline = y + 14
  const fill = style === 'limit' ? 'fill="url(#stripes)"' : `class="${style}"`
  const weight = style === 'ours' ? ' class="group"' : ''
  return [
    `<text x="0" y="${baseline}"${weight}>${escaped(label)}</text>`,
    `<rect ${fill} x="${BARS_AT}" y="${y}" width="${length}" height="${BAR}"/>`,
    `<text x="${BARS_AT + Number(length) + 6}" y="${baseline}"${weight}>${escaped(text)}</text>`,
    ...(mark === undefined ? [] : [`<path class="mark" d="M${BARS_AT + mark * scale} ${y - 2}v${BAR + 4}"/>`]),
  ].join('\n')
}

function caption({ processor, cores, system, versions, date, command }) {
  const words = `${processor}, ${cores} cores, ${system}; ${versions.join(', ')}; ${date}: ${command}`.split(' ')
  const lines = ['']
  for (const word of words) {
    if (lines.at(-1).length + word.length < CAPTION_CHARACTERS) lines.push(`${lines.pop()} ${word}`.trim())
    else lines.push(word)
  }
  return lines
}

function amount(bytes) {
  return bytes % 2 ** 30 === 0 ? `${bytes / 2 ** 30} GiB` : `${bytes / 2 ** 20} MiB`
}

function escaped(text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}

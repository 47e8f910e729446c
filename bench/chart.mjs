// Draws the chart of the README: a panel for each row that is marked `chart`, and a bar for each
// measured peer. Vega draws it without a browser. (vega-lite 6.5 needs a newer Node than memmap.)

import { writeFileSync } from 'node:fs'
import { parse, View } from 'vega'
import { compile } from 'vega-lite'

const OURS = '#2f81f7'
const OTHER = '#8b949e'
/** The colours of the page are unknown, but the reader's preference for dark or light is known. */
const TEXT_COLOURS = '<style>text{fill:#59636e}@media(prefers-color-scheme:dark){text{fill:#c9d1d9}}</style>'
const FONT = 'system-ui, -apple-system, "Segoe UI", sans-serif'

export async function drawChart(results, path) {
  const panels = results.rows.filter(({ chart, ours }) => chart && ours.value !== undefined).map(panel)
  const specification = {
    background: 'transparent',
    title: {
      text: caption(results),
      anchor: 'start',
      orient: 'bottom',
      fontSize: 10,
      fontWeight: 'normal',
      offset: 16,
    },
    vconcat: panels,
    config: {
      view: { stroke: null },
      font: FONT,
      title: { fontSize: 13 },
      axis: { labelFontSize: 12, labelLimit: 0, labelPadding: 6 },
    },
  }
  const view = new View(parse(compile(specification).spec), { renderer: 'none' })
  const svg = await view.toSVG()
  writeFileSync(path, `${svg.replace(/(<svg[^>]*>)/, `$1${TEXT_COLOURS}`)}\n`)
}

function panel({ name, unit, ours, others }) {
  const values = [ours, ...others]
    .filter(({ value }) => value !== undefined)
    .map(({ label, value }, index) => ({
      label: index === 0 ? `memmap: ${label}` : label,
      value,
      text: String(Number(value.toPrecision(2))),
      ours: index === 0,
    }))
  return {
    title: { text: `${name}, ${unit}`, anchor: 'start', frame: 'group' },
    width: 420,
    height: { step: 20 },
    data: { values },
    encoding: {
      y: { field: 'label', type: 'nominal', sort: null, title: null, axis: { ticks: false, domain: false } },
      x: { field: 'value', type: 'quantitative', axis: null, scale: { nice: false } },
    },
    layer: [
      {
        mark: 'bar',
        encoding: { color: { condition: { test: 'datum.ours', value: OURS }, value: OTHER } },
      },
      { mark: { type: 'text', align: 'left', dx: 4, fontSize: 12 }, encoding: { text: { field: 'text' } } },
    ],
  }
}

function caption({ processor, cores, system, versions, size, date, command }) {
  return [
    `${processor}, ${cores} cores, ${system}; files of ${size / 2 ** 20} MiB; ${date}; ${command}`,
    versions.join(', '),
  ]
}

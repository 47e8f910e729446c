// npm run examples [NAME...]: runs the programs in examples/, which work on real files.

import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { root, run, setUp, stop } from './setup.mjs'

setUp()
const all = readdirSync(join(root, 'examples')).filter((name) => name.endsWith('.mts'))
const names = process.argv.slice(2)
const chosen = names.length === 0 ? all : all.filter((name) => names.includes(name.replace(/\.mts$/, '')))
if (chosen.length === 0)
  stop(`No example has this name. The examples are ${all.map((name) => name.replace(/\.mts$/, '')).join(', ')}`)
for (const name of chosen) {
  console.log(`\n--- examples/${name}`)
  run(process.execPath, ['--import=tsx', join('examples', name)])
}

// npm run examples [NAME...]: the guide's three programs, and what else is in examples/, on real files.

import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { root, run, setUp, stop } from './setup.mjs'

setUp()
const all = readdirSync(join(root, 'examples')).filter((name) => name.endsWith('.mts'))
const asked = process.argv.slice(2)
const chosen = asked.length === 0 ? all : all.filter((name) => asked.includes(name.replace(/\.mts$/, '')))
if (chosen.length === 0)
  stop(`There is no such example. There are ${all.map((name) => name.replace(/\.mts$/, '')).join(', ')}`)
for (const name of chosen) {
  console.log(`\n--- examples/${name}`)
  run(process.execPath, ['--import=tsx', join('examples', name)])
}

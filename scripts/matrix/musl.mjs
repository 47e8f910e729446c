// npm run test:musl: npm test in an image of Alpine, with the library for musl that lies in the repository, as it is.
//   --node 24    the Node of the image

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { root, run, stop } from '../setup.mjs'
import { libraryName } from '../stage.mjs'

const { values: options } = parseArgs({ options: { node: { type: 'string', default: '24' } } })
const library = libraryName(`linux-${process.arch}-musl`)
if (process.platform !== 'linux') stop(`The tests on musl need Linux, and this is ${process.platform}`)
if (!existsSync(join(root, library)))
  stop(`There is no ${library}: "npm run build:release" makes it in target/artifacts`)

// prettier-ignore
run('docker', [
  'run',
  '--rm',
  // As a container's root, which may mount nothing, the tests for root would fail; and what is installed would belong to root.
  '--user',
  `${process.getuid()}:${process.getgid()}`,
  // That user has none in the image.
  '--env',
  'HOME=/tmp',
  '--env',
  'MEMMAP_PREBUILT=1',
  '--volume',
  `${root}:/memmap`,
  '--workdir',
  '/memmap',
  `node:${options.node}-alpine`,
  'npm',
  'test',
])

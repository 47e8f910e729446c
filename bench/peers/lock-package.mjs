// A package that locks files, and that memmap does not depend on: `lock-package.mjs NAME FOLDER`.

import { createRequire } from 'node:module'
import { join } from 'node:path'
import { answer } from './answer.mjs'
import { contend } from './together.mjs'

const [name, folder] = process.argv.slice(2)

await answer({
  version() {
    const require = createRequire(join(folder, 'package.json'))
    require(name)
    return { nanoseconds: 0, result: `${name} ${require(`${name}/package.json`).version}` }
  },

  contend: (path, _length, times) => contend(name, path, times, folder),
})

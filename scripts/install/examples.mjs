// The guide's programs (examples/) in a project that has installed memmap. They run as they are
// where a runtime takes TypeScript with `using`: Node 24 and newer, Bun and Deno. For older Nodes
// the project's own compiler makes JavaScript of them.

import { cpSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { packageJson, root } from '../setup.mjs'

export const { EXAMPLES } = createRequire(import.meta.url)(join(root, '__test__/package/examples.cjs'))
/**
 * What a runtime wants before the name of a program, of which some write files and start processes.
 */
const LEADING_ARGUMENTS = { node: [], bun: [], deno: ['run', '--allow-all'] }

/** What the types of memmap can be compiled with. */
export const COMPILER_OPTIONS = {
  strict: true,
  target: 'es2022',
  lib: ['es2023', 'es2024.sharedmemory', 'esnext.disposable'],
  types: ['node'],
}

/** What is installed: find-and-replace wants the compiler too, whose text it edits. */
export function dependencies() {
  const installed = createRequire(join(root, 'package.json'))
  const version = (name) => installed(`${name}/package.json`).version
  return {
    dependencies: { memmap: packageJson().version, typescript: version('typescript') },
    devDependencies: { '@types/node': version('@types/node') },
  }
}

/** Puts them into the project, with the settings that compile them. */
export function addExamples(project) {
  cpSync(join(root, 'examples'), join(project, 'examples'), { recursive: true })
  const compilerOptions = {
    ...COMPILER_OPTIONS,
    module: 'nodenext',
    moduleResolution: 'nodenext',
    skipLibCheck: true,
    outDir: 'programs',
    rootDir: 'examples',
  }
  writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['examples'] }))
}

/** Whether it runs them without a compiler. */
export function takesTypeScript({ kind, version }) {
  return kind !== 'node' || version >= 24
}

/** What a runtime is given, in the folder of the project, to run one of them. */
export function argumentsFor({ name, args }, runtime) {
  const path = takesTypeScript(runtime) ? `examples/${name}.mts` : `programs/${name}.mjs`
  return [...LEADING_ARGUMENTS[runtime.kind], path, ...args]
}

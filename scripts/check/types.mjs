// Checks that the types compile in projects of users: with old and new versions of TypeScript and
// @types/node, in each kind of module resolution. The compilers come from the npm registry and stay
// in target/. They run in this process and reuse the files that they have parsed.

import { copyFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { install } from '../matrix/obtain.mjs'
import { root, stop } from '../setup.mjs'

const FOLDER = join(root, 'target/types')
const NODES = [20, 22, 24, 26]
const TYPESCRIPTS = ['5.2', '5.7', '5.9', '6']
const RESOLUTIONS = {
  node16: { module: 'node16', moduleResolution: 'node16' },
  nodenext: { module: 'nodenext', moduleResolution: 'nodenext' },
  bundler: { module: 'esnext', moduleResolution: 'bundler' },
}
const FILES = ['package.json', 'index.d.ts']

/**
 * Ends the process at the first combination in which the types, or code that uses them, do not
 * compile.
 */
export function checkTypes() {
  console.log(`types with TypeScript ${TYPESCRIPTS.join(', ')} and @types/node ${NODES.join(', ')}`)
  const started = performance.now()
  let combinations = 0
  for (const node of NODES) makeProject(node)
  for (const version of TYPESCRIPTS) {
    const typescript = obtain(join(FOLDER, `typescript-${version}`), `typescript@${version}`, 'typescript')
    const parsed = new Map()
    for (const node of NODES) {
      for (const [name, resolution] of Object.entries(RESOLUTIONS)) {
        for (const exactOptionalPropertyTypes of [true, false]) {
          const options = { ...resolution, exactOptionalPropertyTypes }
          const problems = compile(typescript, parsed, join(FOLDER, `node-${node}`), options)
          combinations += 1
          if (problems !== '') {
            const where = `TypeScript ${typescript.version}, @types/node ${node}, ${name}, ${JSON.stringify(options)}`
            stop(`The types do not compile with ${where}:\n${problems}`)
          }
        }
      }
    }
  }
  console.log(`  ${combinations} combinations, ${((performance.now() - started) / 1000).toFixed(1)} s`)
}

/** A project that has this @types/node and memmap. */
function makeProject(node) {
  const folder = join(FOLDER, `node-${node}`)
  obtain(folder, `@types/node@${node}`)
  // Without this file the folder would belong to the package that surrounds it.
  writeFileSync(join(folder, 'package.json'), '{ "private": true }')
  const home = join(folder, 'node_modules/memmap')
  mkdirSync(home, { recursive: true })
  for (const name of FILES) copyFileSync(join(root, name), join(home, name))
  for (const extension of ['mts', 'cts', 'ts'])
    copyFileSync(join(root, '__test__/package/types.uses.mts'), join(folder, `uses.${extension}`))
}

function obtain(folder, specifier, name) {
  const home = join(folder, 'node_modules', specifier.slice(0, specifier.lastIndexOf('@')))
  if (!existsSync(home)) {
    const problem = install(folder, specifier, ['--ignore-scripts'])
    if (problem !== undefined) stop(`${specifier} could not be obtained: ${problem}`)
  }
  return name === undefined ? undefined : createRequire(import.meta.url)(home)
}

/**
 * Compiles memmap's types and code that uses them, and returns the problems as text. The types of
 * Node and TypeScript are parsed but not checked, because their problems are not memmap's.
 */
function compile(typescript, parsed, folder, settings) {
  const { options, errors } = typescript.convertCompilerOptionsFromJson(
    {
      strict: true,
      noEmit: true,
      target: 'es2022',
      lib: ['es2023', 'esnext.disposable'],
      types: ['node'],
      typeRoots: [join(folder, 'node_modules/@types')],
      ...settings,
    },
    folder,
  )
  const host = typescript.createCompilerHost(options)
  const { getSourceFile } = host
  host.getCurrentDirectory = () => folder
  host.getSourceFile = (path, how, ...rest) => {
    const key = `${path} ${JSON.stringify(how)}`
    if (!parsed.has(key)) parsed.set(key, getSourceFile.call(host, path, how, ...rest))
    return parsed.get(key)
  }
  const uses = ['mts', 'cts', 'ts'].map((extension) => join(folder, `uses.${extension}`))
  const program = typescript.createProgram(uses, options, host)
  const declarations = program.getSourceFiles().filter(({ fileName }) => fileName.endsWith('memmap/index.d.ts'))
  if (declarations.length !== 1) return `TypeScript resolves memmap to ${declarations.length} files`
  const problems = [...errors, ...program.getOptionsDiagnostics()]
  for (const file of [...declarations, ...uses.map((path) => program.getSourceFile(path))]) {
    problems.push(...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file))
  }
  return typescript.formatDiagnostics(problems, host)
}

// memmap in what runs tests: the same tests of a user, in Jest and Vitest, in each of their
// environments and pools.

import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { root } from '../setup.mjs'
import { check, equal } from './checks.mjs'
import { snippet } from './page.mjs'
import { execute, installPacked } from './projects.mjs'
import { projectOf } from './tools.mjs'

const SOURCE = readFileSync(new URL('programs/mapping.test.mts', import.meta.url), 'utf8')
const TESTS = SOURCE.match(/^test\(/gm).length
const ALL_PASSED = { passed: TESTS, failed: 0 }

export function checkJest(name, { packed, env, runtimes }) {
  console.log(`\n${name.replace('jest', 'Jest ')}`)
  const project = projectOf(name)
  if (!check('installs', () => installPacked(project, packed, env))) return
  writeFileSync(join(project, 'dispose.cjs'), snippet('Symbol.dispose ??='))
  const jest = (runtime, environment, setupFiles) => {
    writeFileSync(join(project, 'mapping.test.js'), compiled(runtime.version >= 24))
    const configuration = { testEnvironment: environment, transform: {}, setupFiles }
    const program = [runtime.program, join(project, 'node_modules/jest/bin/jest.js')]
    const arguments_ = ['--config', JSON.stringify(configuration), '--rootDir', project, '--json', '--silent']
    const text = execute([...program, ...arguments_], project, environmentFor(env, environment))
    const { numPassedTests: passed, numFailedTests: failed } = JSON.parse(text)
    return { passed, failed }
  }
  for (const runtime of chosen(runtimes, [20, 26])) {
    const setupFiles = runtime.version >= 24 ? [] : ['<rootDir>/dispose.cjs']
    for (const environment of ['node', 'jsdom']) {
      check(`Node ${runtime.exact}, ${environment}`, () => equal(jest(runtime, environment, setupFiles), ALL_PASSED))
    }
  }
}

export function checkVitest({ packed, env, runtimes }) {
  console.log('\nVitest')
  const project = projectOf('vitest')
  if (!check('installs', () => installPacked(project, packed, env))) return
  writeFileSync(join(project, 'mapping.test.mts'), SOURCE)
  const vitest = (program, pool, environment) => {
    const results = join(project, 'results.json')
    const command = [program, join(project, 'node_modules/vitest/vitest.mjs'), 'run', 'mapping.test.mts', '--globals']
    const where = [`--pool=${pool}`, `--environment=${environment}`]
    const output = ['--reporter=default', '--reporter=json', `--outputFile=${results}`]
    execute([...command, ...where, ...output], project, environmentFor(env, environment))
    const { numPassedTests: passed, numFailedTests: failed } = JSON.parse(readFileSync(results, 'utf8'))
    return { passed, failed }
  }
  for (const { program, exact, version } of chosen(runtimes, [22, 26])) {
    for (const pool of ['threads', 'forks', 'vmThreads']) {
      // All of them once: each takes seconds.
      for (const environment of version === 22 ? ['node', 'jsdom', 'happy-dom'] : ['node']) {
        check(`Node ${exact}, ${pool}, ${environment}`, () => equal(vitest(program, pool, environment), ALL_PASSED))
      }
    }
  }
}

function chosen(runtimes, versions) {
  return runtimes.filter(({ kind, version }) => kind === 'node' && versions.includes(version))
}

function environmentFor(env, environment) {
  return { ...env, WITH_WINDOW: environment === 'node' ? '0' : '1' }
}

/** As CommonJS, which Jest wants, and without `using` where Node does not know it. */
function compiled(knowsUsing) {
  // Not at the top: it may just have been installed.
  const typescript = createRequire(join(root, 'package.json'))('typescript')
  const { ModuleKind, ScriptTarget } = typescript
  const target = knowsUsing ? ScriptTarget.ESNext : ScriptTarget.ES2022
  const compilerOptions = { module: ModuleKind.CommonJS, target, esModuleInterop: true }
  return typescript.transpileModule(SOURCE, { compilerOptions, fileName: 'mapping.test.cts' }).outputText
}

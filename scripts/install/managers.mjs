// npm, pnpm, Yarn, Bun and Deno as scripts/install/run.mjs runs them: each with its own settings
// and caches, and with one registry.

import { join } from 'node:path'
import { bunPackage, SUFFIX } from '../matrix/obtain.mjs'
import { argumentsOf } from './page.mjs'
import { DENO_SETTINGS, registryEnvironment } from './projects.mjs'
import { tool } from './tools.mjs'

/**
 * `libc` is this system's, `deno` the program, if there is one.
 *
 * `program` is how it is started, `install` and `offline` are how they are run, `withoutOptional`
 * and `on` are how they are told to install no optional dependencies, and for another system, as
 * arguments and files. `node` is how a program is run in the project, `runsOn` the runtime that it
 * is part of, with what it wants before a script. `ignoresLibc` says that packages for both are
 * installed.
 */
export function packageManagers(url, work, { libc, deno }) {
  const env = registryEnvironment(work, url)
  const script = (path) => [process.execPath, tool(path)]
  const npm = ['npm']
  const pnpm = script('pnpm/bin/pnpm.mjs')
  const classic = script('yarn/bin/yarn.js')
  const berry = script('@yarnpkg/cli-dist/bin/yarn.js')
  const bun = [tool(`${bunPackage(libc)}/bin/bun${SUFFIX}`)]
  const yarnrc = (more) => ({
    '.yarnrc.yml': JSON.stringify({
      npmRegistryServer: url,
      unsafeHttpWhitelist: ['127.0.0.1'],
      enableTelemetry: false,
      enableGlobalCache: false,
      cacheFolder: join(work, 'berry-cache'),
      // What has just been published is what is wanted here.
      npmMinimalAgeGate: 0,
      // Without it imports are not found by this name, which is so for every package.
      pnpEnableEsmLoader: true,
      ...more,
    }),
    'yarn.lock': '',
  })
  const workspace = (more) => ({
    '.npmrc': `registry=${url}`,
    'pnpm-workspace.yaml': JSON.stringify({ minimumReleaseAge: 0, storeDir: join(work, 'pnpm-store'), ...more }),
  })
  const architectures = ({ os, cpu, libc }) => ({
    supportedArchitectures: { os: [os], cpu: [cpu], ...(libc ? { libc: [libc] } : {}) },
  })
  const flags = ({ os, cpu, libc }) => ({ args: [`--os=${os}`, `--cpu=${cpu}`, ...(libc ? [`--libc=${libc}`] : [])] })
  return [
    {
      name: 'npm',
      program: npm,
      install: [...npm, 'install'],
      withoutOptional: { args: ['--omit=optional'] },
      on: flags,
      offline: [...npm, 'ci', '--offline'],
    },
    {
      name: 'pnpm',
      program: pnpm,
      install: [...pnpm, 'install', '--no-frozen-lockfile'],
      files: workspace({}),
      withoutOptional: { args: ['--no-optional'] },
      on: (system) => ({ files: workspace(architectures(system)) }),
      offline: [...pnpm, 'install', '--offline', '--frozen-lockfile'],
    },
    {
      name: 'yarn-classic',
      program: classic,
      install: [...classic, 'install', '--non-interactive'],
      withoutOptional: { args: ['--ignore-optional'] },
      // It cannot be told of another system.
      ignoresLibc: true,
      offline: [...classic, 'install', '--non-interactive', '--offline', '--frozen-lockfile'],
      env: { YARN_CACHE_FOLDER: join(work, 'classic-cache') },
    },
    {
      name: 'yarn-pnp',
      program: berry,
      install: [...berry, 'install', '--no-immutable'],
      files: yarnrc({}),
      // It has no such option, but can be told to install for a system that nothing fits.
      withoutOptional: { files: yarnrc(architectures({ os: 'none', cpu: 'none', libc: 'none' })) },
      on: (system) => ({ files: yarnrc(architectures(system)) }),
      offline: [...berry, 'install', '--immutable'],
      offlineEnv: { YARN_ENABLE_NETWORK: '0' },
      node: [...berry, 'node'],
    },
    {
      name: 'bun',
      program: bun,
      install: [...bun, 'install'],
      withoutOptional: { args: ['--omit=optional'] },
      on: flags,
      offline: [...bun, 'install', '--frozen-lockfile'],
      env: { BUN_INSTALL_CACHE_DIR: join(work, 'bun-cache') },
      runsOn: { kind: 'bun', command: bun },
    },
    {
      name: 'deno',
      program: [deno],
      install: [deno, 'install'],
      files: DENO_SETTINGS,
      on: ({ os, cpu }) => ({ args: ['--os', os, '--arch', cpu] }),
      // It cannot be told of one.
      ignoresLibc: true,
      offline: [deno, 'install', '--cached-only', '--frozen'],
      env: { DENO_DIR: join(work, 'deno-cache'), DENO_NO_UPDATE_CHECK: '1' },
      runsOn: { kind: 'deno', command: [deno, 'run', '--no-prompt', ...permissionsOfDeno()] },
    },
  ]
    .filter(({ name }) => name !== 'deno' || deno !== undefined)
    .map((manager) => ({
      files: {},
      node: [process.execPath],
      offlineEnv: {},
      ...manager,
      env: { ...env, ...manager.env },
      project: join(work, manager.name),
    }))
}

/** What docs/install.md says that it needs. */
function permissionsOfDeno() {
  return argumentsOf('deno run').filter((argument) => argument.startsWith('--allow'))
}

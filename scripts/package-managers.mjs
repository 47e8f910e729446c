// npm, pnpm, Yarn and Bun as scripts/test-install.mjs runs them: each with its own settings and caches, and with one registry.

import { mkdirSync } from 'node:fs'
import { join } from 'node:path'

/**
 * `tool` gives the path of a file in the tools' node_modules.
 *
 * `install`, `withoutOptional` and `offline` are how they are run, `on` is how they are told to install for another system, as arguments and
 * files. `node` is how a program is run in the project. `ignoresLibc` says that packages for both are installed.
 */
export function packageManagers(url, work, tool, libc) {
  const env = { ...cleanEnvironment(work), npm_config_registry: url }
  const script = (path) => [process.execPath, tool(path)]
  const npm = ['npm']
  const pnpm = script('pnpm/bin/pnpm.mjs')
  const classic = script('yarn/bin/yarn.js')
  const berry = script('@yarnpkg/cli-dist/bin/yarn.js')
  const bun = [tool(`${bunPackage(libc)}/bin/bun${process.platform === 'win32' ? '.exe' : ''}`)]
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
  const flags = ({ os, cpu, libc }) => ({ args: [`--os=${os}`, `--cpu=${cpu}`, ...(libc ? [`--libc=${libc}`] : [])] })
  return [
    {
      name: 'npm',
      install: [...npm, 'install'],
      withoutOptional: [...npm, 'install', '--omit=optional'],
      on: flags,
      offline: [...npm, 'ci', '--offline'],
    },
    {
      name: 'pnpm',
      install: [...pnpm, 'install', '--no-frozen-lockfile'],
      files: workspace({}),
      withoutOptional: [...pnpm, 'install', '--no-frozen-lockfile', '--no-optional'],
      on: ({ os, cpu, libc }) => ({
        files: workspace({ supportedArchitectures: { os: [os], cpu: [cpu], ...(libc ? { libc: [libc] } : {}) } }),
      }),
      offline: [...pnpm, 'install', '--offline', '--frozen-lockfile'],
    },
    {
      name: 'yarn-classic',
      install: [...classic, 'install', '--non-interactive'],
      withoutOptional: [...classic, 'install', '--non-interactive', '--ignore-optional'],
      // It cannot be told of another system.
      ignoresLibc: true,
      offline: [...classic, 'install', '--non-interactive', '--offline', '--frozen-lockfile'],
      env: { YARN_CACHE_FOLDER: join(work, 'classic-cache') },
    },
    {
      name: 'yarn-pnp',
      install: [...berry, 'install', '--no-immutable'],
      files: yarnrc({}),
      on: ({ os, cpu, libc }) => ({
        files: yarnrc({ supportedArchitectures: { os: [os], cpu: [cpu], ...(libc ? { libc: [libc] } : {}) } }),
      }),
      offline: [...berry, 'install', '--immutable'],
      offlineEnv: { YARN_ENABLE_NETWORK: '0' },
      node: [...berry, 'node'],
    },
    {
      name: 'bun',
      install: [...bun, 'install'],
      withoutOptional: [...bun, 'install', '--omit=optional'],
      on: flags,
      offline: [...bun, 'install', '--frozen-lockfile'],
      env: { BUN_INSTALL_CACHE_DIR: join(work, 'bun-cache') },
      alsoRunsOn: bun,
    },
  ].map((manager) => ({
    files: {},
    node: [process.execPath],
    offlineEnv: {},
    ...manager,
    env: { ...env, ...manager.env },
    project: join(work, manager.name),
  }))
}

function bunPackage(libc) {
  const system = process.platform === 'win32' ? 'windows' : process.platform
  return `@oven/bun-${system}-${process.arch === 'arm64' ? 'aarch64' : process.arch}${libc === 'musl' ? '-musl' : ''}`
}

/** Nothing of who runs this: neither settings nor caches, which may know other registries. */
export function cleanEnvironment(work) {
  const home = join(work, 'home')
  mkdirSync(home, { recursive: true })
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^(npm_|yarn_|pnpm_|bun_|node_|corepack_|https?_proxy|xdg_)/i.test(name),
  )
  return {
    ...Object.fromEntries(kept),
    HOME: home,
    USERPROFILE: home,
    APPDATA: join(home, 'AppData'),
    LOCALAPPDATA: join(home, 'LocalAppData'),
    CI: '1',
    NO_COLOR: '1',
    npm_config_userconfig: join(home, 'npmrc'),
    npm_config_globalconfig: join(home, 'global-npmrc'),
    npm_config_cache: join(home, 'npm-cache'),
    npm_config_audit: 'false',
    npm_config_fund: 'false',
    npm_config_update_notifier: 'false',
  }
}

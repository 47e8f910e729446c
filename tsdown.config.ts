import { defineConfig, type UserConfig } from 'tsdown'

// Builds src/ to the root, where readers of the package expect the files. The format is CommonJS
// with `exports.name =` assignments, which `import { name }` in an ES module finds too.
const common: UserConfig = {
  format: 'cjs',
  target: 'node20',
  platform: 'node',
  outDir: '.',
  clean: false,
  fixedExtension: false,
}

export default defineConfig([
  {
    ...common,
    entry: { index: 'src/index.ts' },
    dts: true,
    // index.d.ts contains the comments. Without them the engine parses index.js in less time.
    outputOptions: { comments: { jsdoc: false } },
    plugins: [
      {
        // These are not bundled, because index.js looks for them in the folder it is installed in.
        name: 'native-libraries-beside-index',
        resolveId: (id) => (/^@memmap\/|^\.\/.*\.node$/.test(id) ? { id, external: true } : undefined),
      },
    ],
  },
  {
    ...common,
    entry: { cli: 'src/cli/cli.ts' },
    dts: false,
    plugins: [
      {
        name: 'memmap-beside-cli',
        resolveId: (id) => (id === 'memmap' ? { id: './index.js', external: true } : undefined),
      },
    ],
  },
])

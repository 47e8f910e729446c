import { defineConfig } from 'tsdown'

// Builds src/ to index.js and index.d.ts at the root, where readers of the package expect them. The
// format is CommonJS with `exports.name =` assignments, which `import { name }` in an ES module
// finds too.
export default defineConfig({
  entry: { index: 'src/index.ts' },
  format: 'cjs',
  target: 'node20',
  platform: 'node',
  outDir: '.',
  clean: false,
  dts: true,
  fixedExtension: false,
  // index.d.ts contains the comments. Without them the engine parses index.js in less time.
  outputOptions: { comments: { jsdoc: false } },
  plugins: [
    {
      // These are not bundled, because index.js looks for them in the folder it is installed in.
      name: 'native-libraries-beside-index',
      resolveId: (id) => (/^@memmap\/|^\.\/.*\.node$/.test(id) ? { id, external: true } : undefined),
    },
  ],
})

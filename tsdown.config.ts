import { defineConfig } from 'tsdown'

// src/ becomes index.js and index.d.ts at the root, where a reader of the package expects them. CommonJS with `exports.name = `
// assignments, which `import { name }` of an ES module finds too.
export default defineConfig({
  entry: { index: 'src/index.ts' },
  format: 'cjs',
  target: 'node20',
  platform: 'node',
  outDir: '.',
  clean: false,
  dts: true,
  fixedExtension: false,
  // The comments are in index.d.ts. Without them the engine reads index.js in less time.
  outputOptions: { comments: { jsdoc: false } },
  plugins: [
    {
      // It is where index.js is installed that they are looked for.
      name: 'native-libraries-beside-index',
      resolveId: (id) => (/^@memmap\/|^\.\/.*\.node$/.test(id) ? { id, external: true } : undefined),
    },
  ],
})

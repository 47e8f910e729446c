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
  plugins: [
    {
      // Seen from src/ it is one folder up, seen from the built index.js it is beside it.
      name: 'binding-beside-index',
      resolveId: (id) => (id === '../binding.js' ? { id: './binding.js', external: true } : undefined),
    },
  ],
})

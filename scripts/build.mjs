// npm run build: builds the native library and index.js if they are older than their sources.

import { setUp } from './setup.mjs'

setUp()
console.log('Built.')

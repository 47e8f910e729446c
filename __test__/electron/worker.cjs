const { parentPort } = require('node:worker_threads')
const { report } = require('./mapping.cjs')

parentPort.postMessage(report())

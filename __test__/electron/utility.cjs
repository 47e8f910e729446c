const { report } = require('./mapping.cjs')

process.parentPort.postMessage(report())

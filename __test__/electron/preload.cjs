const { ipcRenderer } = require('electron')

// Loading may fail too, and must be told.
let result
try {
  result = require('./mapping.cjs').report()
} catch (error) {
  result = { error: error.stack }
}
ipcRenderer.send('report', result)

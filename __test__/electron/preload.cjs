const { ipcRenderer } = require('electron')

// The error is reported as well if loading the package fails.
let result
try {
  result = require('./mapping.cjs').report()
} catch (error) {
  result = { error: error.stack }
}
ipcRenderer.send('report', result)

// Loaded before every command (`node -r`), so it must run on old versions of Node: no newer syntax here.
// On Linux (x64, arm64) npm installs Node 24 into node_modules/.bin; elsewhere it is the one on the PATH.
'use strict'

const REQUIRED_MAJOR = 24

if (Number(process.versions.node.split('.')[0]) < REQUIRED_MAJOR) {
  console.error(
    'Mainstay needs Node ' +
      REQUIRED_MAJOR +
      ' or newer; this is Node ' +
      process.versions.node +
      ' (' +
      process.execPath +
      ').\n' +
      'Run it through npm (npm start, npm test) after npm ci: on Linux x64 and arm64 that brings its own Node ' +
      REQUIRED_MAJOR +
      '.\nOn other systems install one, for example from https://nodejs.org, and try again.',
  )
  process.exit(1)
}

'use strict';

const { existsSync, mkdirSync } = require('node:fs');
const { dirname } = require('node:path');

/**
 * Makes a directory with those above it, one after the other: where a file system makes none (`/proc`), Node's own recursive `mkdir` never
 * returns.
 * @param {string} path
 * @throws {Error} the file system's own
 */
function makeDirectory(path) {
  if (existsSync(path)) return;
  makeDirectory(dirname(path));
  try {
    mkdirSync(path);
  } catch (error) {
    // Somebody else made it meanwhile.
    if (error.code !== 'EEXIST') throw error;
  }
}

module.exports = { makeDirectory };

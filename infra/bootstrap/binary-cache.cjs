'use strict';

const { homedir } = require('node:os');
const { isAbsolute, join } = require('node:path');

/**
 * Where the servers' programs are kept: `${XDG_CACHE_HOME:-~/.cache}/seal/bin`.
 * @param {NodeJS.ProcessEnv} [env]
 * @returns {string}
 */
function binaryCache(env = process.env) {
  const base = env.XDG_CACHE_HOME;
  return join(base !== undefined && isAbsolute(base) ? base : join(homedir(), '.cache'), 'seal', 'bin');
}

module.exports = { binaryCache };

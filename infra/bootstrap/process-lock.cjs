'use strict';

const { readFileSync, rmSync, linkSync, writeFileSync } = require('node:fs');
const { dirname } = require('node:path');
const { setTimeout: sleep } = require('node:timers/promises');
const { makeDirectory } = require('./make-directory.cjs');
const { isRunning, startTimeOf } = require('./process-identity.cjs');

const POLL_MS = 200;

/**
 * Runs `work` while no other process runs work under the same lock file. A lock whose owner died is taken over.
 * @template T
 * @param {string} file
 * @param {() => Promise<T>} work
 * @param {() => void} [onWait] called once if somebody else holds the lock
 * @returns {Promise<T>}
 */
async function withLock(file, work, onWait) {
  makeDirectory(dirname(file));
  let told = false;
  while (!tryLock(file)) {
    if (!told) onWait?.();
    told = true;
    await sleep(POLL_MS);
  }
  try {
    return await work();
  } finally {
    rmSync(file, { force: true });
  }
}

/** The lock appears with its owner's name already in it, so that nobody ever reads half of it. */
function tryLock(file) {
  const mine = `${file}.${process.pid}`;
  writeFileSync(mine, JSON.stringify({ pid: process.pid, startTime: startTimeOf(process.pid) }), { mode: 0o600 });
  try {
    linkSync(mine, file);
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
    removeIfAbandoned(file);
    return false;
  } finally {
    rmSync(mine, { force: true });
  }
}

/** What a lock guards is moved into place atomically, so two takers of one abandoned lock waste work but break nothing. */
function removeIfAbandoned(file) {
  let owner;
  try {
    owner = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    if (error.code === 'ENOENT') return;
    throw error;
  }
  if (!isRunning(owner)) rmSync(file, { force: true });
}

module.exports = { withLock };

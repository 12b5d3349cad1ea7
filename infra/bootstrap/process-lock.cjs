'use strict';

const { readFileSync, rmSync, linkSync, writeFileSync } = require('node:fs');
const { dirname } = require('node:path');
const { setTimeout: sleep } = require('node:timers/promises');
const { makeDirectory } = require('./make-directory.cjs');
const { isRunning, startTimeOf } = require('./process-identity.cjs');

const POLL_MS = 200;

/**
 * Runs `work` while no other process runs work under the same lock file. A lock whose owner died is taken over, and so is one that names
 * no owner: it was whole when it appeared, so a machine that lost its power has damaged it.
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
  try {
    writeFileSync(mine, JSON.stringify({ pid: process.pid, startTime: startTimeOf(process.pid) }), { mode: 0o600 });
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
  if (ownerOf(file)?.isRunning === false) rmSync(file, { force: true });
}

/**
 * Who holds a lock.
 * @param {string} file
 * @returns {{ pid: number | null, isRunning: boolean } | null} null where there is none; `pid: null` for one that names nobody
 */
function ownerOf(file) {
  let text;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
    return null;
  }
  const [, pid, startTime] = /^\{"pid":(\d+),"startTime":"([^"]+)"\}$/.exec(text) ?? [];
  if (startTime === undefined) return { pid: null, isRunning: false };
  return { pid: Number(pid), isRunning: isRunning({ pid: Number(pid), startTime }) };
}

module.exports = { ownerOf, withLock };

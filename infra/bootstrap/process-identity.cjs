'use strict';

const { execFileSync } = require('node:child_process');
const { readFileSync } = require('node:fs');

/**
 * When the process started, as an opaque text: with its id it names a process for good, since ids are reused.
 * @param {number} pid
 * @returns {string | null} null if there is no such process (a zombie counts as none)
 */
function startTimeOf(pid) {
  return process.platform === 'linux' ? fromProc(pid) : fromPs(pid);
}

/** Field 22 of /proc/<pid>/stat; the command name before it may hold spaces and parentheses. */
function fromProc(pid) {
  let stat;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch (error) {
    if (error.code === 'ENOENT' || error.code === 'ESRCH') return null;
    throw error;
  }
  const [state, ...rest] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return state === 'Z' ? null : rest[18];
}

function fromPs(pid) {
  try {
    return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim() || null;
  } catch (error) {
    // ps exits with 1 where no process matches.
    if (error.status === 1) return null;
    throw error;
  }
}

/**
 * @param {{ pid: number, startTime: string }} identity as written by its owner
 * @returns {boolean} whether that very process still runs
 */
function isRunning({ pid, startTime }) {
  return startTimeOf(pid) === startTime;
}

module.exports = { startTimeOf, isRunning };

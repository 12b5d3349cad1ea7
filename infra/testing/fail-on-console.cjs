'use strict';

/**
 * Makes a test fail that leaves something on the console: a warning nobody asserts is a warning nobody reads.
 * A test that means to provoke output replaces the method with jest.spyOn, which this respects.
 */
const { format } = require('node:util');

const METHODS = ['debug', 'error', 'info', 'log', 'trace', 'warn'];
/** @type {{ method: string, text: string }[]} */
let printed = [];
const originals = new Map();

beforeEach(() => {
  printed = [];
  for (const method of METHODS) {
    originals.set(method, console[method]);
    console[method] = (...values) => {
      printed.push({ method, text: format(...values) });
    };
  }
});

afterEach(() => {
  for (const [method, original] of originals) console[method] = original;
  if (printed.length > 0) {
    const lines = printed.map(({ method, text }) => `console.${method}: ${text}`);
    throw new Error(`expected no console output, got\n${lines.join('\n')}`);
  }
});

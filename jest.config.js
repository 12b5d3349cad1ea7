'use strict';

/**
 * Runs the compiled tests, so that what is tested is what ships and no transform stands between a stack trace and Node.
 * Source maps are read by Node itself (`--enable-source-maps` in infra/bootstrap/test.mjs).
 *
 * @type {import('jest').Config}
 */
module.exports = {
  rootDir: __dirname,
  roots: ['<rootDir>/dist/test'],
  testMatch: ['**/*.test.js'],
  testEnvironment: 'node',
  transform: {},
  // Model and server processes take the cores; two test files side by side are enough on two of them.
  maxWorkers: 2,
  // A unit test is done in milliseconds. Tests with servers or training state their own limit.
  testTimeout: 60_000,
  setupFilesAfterEnv: ['<rootDir>/infra/testing/fail-on-console.cjs'],
  reporters: ['<rootDir>/infra/testing/compact-reporter.cjs'],
  // Generated folders hold package.json files that would otherwise clash by name.
  modulePathIgnorePatterns: ['<rootDir>/\\.seal/', '<rootDir>/\\.venv-bench/'],
  watchman: false,
};

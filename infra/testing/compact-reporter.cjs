'use strict';

/**
 * One line a test file, every failure and every skipped test by name, and the totals as the last line:
 * `N passed, N failed` (`, N skipped`).
 */
class CompactReporter {
  constructor(globalConfig) {
    this.rootDir = globalConfig.rootDir;
  }

  onTestFileResult(test, result) {
    const file = test.path.replace(`${this.rootDir}/dist/`, '').replace(/\.js$/, '.ts');
    const seconds = ((result.perfStats.end - result.perfStats.start) / 1000).toFixed(1);
    const failed = result.numFailingTests > 0 || result.testExecError !== undefined;
    const counts = `${result.numPassingTests} passed${result.numFailingTests > 0 ? `, ${result.numFailingTests} failed` : ''}`;
    this.#print(`${failed ? 'FAIL' : 'ok  '} ${file} (${counts}, ${seconds} s)`);
    for (const { status, fullName } of result.testResults) {
      if (status === 'pending' || status === 'todo') this.#print(`  skipped: ${fullName}`);
    }
    if (failed && result.failureMessage) this.#print(result.failureMessage.trimEnd());
  }

  onRunComplete(_contexts, results) {
    const failed = results.numFailedTests + results.numRuntimeErrorTestSuites;
    const skipped = results.numPendingTests + results.numTodoTests;
    const seconds = ((Date.now() - results.startTime) / 1000).toFixed(1);
    this.#print(`${results.numTotalTestSuites} test files in ${seconds} s`);
    this.#print(`${results.numPassedTests} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
  }

  #print(text) {
    process.stdout.write(`${text}\n`);
  }
}

module.exports = CompactReporter;

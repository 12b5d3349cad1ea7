import { mkdtempSync, readFileSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DefaultLogger, Runtime } from '@temporalio/worker';
import { workflowBundle } from '../../workers/workflow-bundle';

jest.setTimeout(120_000);

test('a bundle of workflow code that was cut short on this machine is made again, and the log says so', async () => {
  const warnings: string[] = [];
  Runtime.install({ logger: new DefaultLogger('WARN', ({ message }) => warnings.push(message)) });
  const directory = mkdtempSync(join(tmpdir(), 'seal-bundle-'));
  try {
    const { codePath } = await workflowBundle(directory);
    const whole = readFileSync(codePath);
    expect(await workflowBundle(directory)).toEqual({ codePath });
    expect(warnings).toEqual([]);
    truncateSync(codePath, 1000);
    expect(await workflowBundle(directory)).toEqual({ codePath });
    expect(readFileSync(codePath).equals(whole)).toBe(true);
    expect(warnings).toEqual([expect.stringMatching(/^the bundle of workflow code on this machine is damaged and made again: .*: workflows\.js: expected sha256/)]);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packageRoot } from '../../infra/stack/package-root';

jest.setTimeout(60_000);

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'seal-jest-'));
  mkdirSync(join(root, 'dist', 'test'), { recursive: true });
  symlinkSync(join(packageRoot(), 'infra'), join(root, 'infra'));
  symlinkSync(join(packageRoot(), 'node_modules'), join(root, 'node_modules'));
  writeFileSync(join(root, 'package.json'), '{}');
  const shipped = jest.requireActual<Record<string, unknown>>(join(packageRoot(), 'jest.config.js'));
  const config = { ...shipped, rootDir: root };
  writeFileSync(join(root, 'jest.config.json'), JSON.stringify(config));
});
afterEach(() => rmSync(root, { recursive: true }));

function runTests(text: string): Promise<{ code: number; lines: string[] }> {
  writeFileSync(join(root, 'dist', 'test', 'some.test.js'), text);
  const program = join(packageRoot(), 'node_modules', 'jest', 'bin', 'jest.js');
  return new Promise((resolve) => {
    execFile(process.execPath, [program, '--config', 'jest.config.json'], { cwd: root }, (error, stdout) => {
      resolve({ code: error === null ? 0 : Number(error.code), lines: stdout.trim().split('\n') });
    });
  });
}

it('ends with the totals, names what was skipped and passes', async () => {
  const { code, lines } = await runTests(`it('adds', () => expect(1 + 1).toBe(2)); it.skip('needs data', () => {});`);
  expect(code).toBe(0);
  expect(lines[0]).toMatch(/^ok {3}test\/some\.test\.ts \(1 passed, \d+\.\d s\)$/);
  expect(lines[1]).toBe('  skipped: needs data');
  expect(lines.at(-1)).toBe('1 passed, 0 failed, 1 skipped');
});

it('fails a test that prints, with what it printed', async () => {
  const { code, lines } = await runTests(`it('prints', () => console.warn('%s is stray', 'this'));`);
  expect(code).toBe(1);
  expect(lines.join('\n')).toContain('expected no console output, got\n    console.warn: this is stray');
  expect(lines.at(-1)).toBe('0 passed, 1 failed');
});

it('lets a test assert what is printed', async () => {
  const { code } = await runTests(`it('asserts', () => {
    const warn = jest.spyOn(console, 'warn').mockImplementation(() => {});
    console.warn('expected');
    expect(warn).toHaveBeenCalledWith('expected');
    warn.mockRestore();
  });`);
  expect(code).toBe(0);
});

it('counts a file that cannot be loaded as a failure', async () => {
  const { code, lines } = await runTests(`throw new Error('broken file');`);
  expect(code).toBe(1);
  expect(lines.join('\n')).toContain('broken file');
  expect(lines.at(-1)).toBe('0 passed, 1 failed');
});

import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { packageRoot } from '../../infra/stack/package-root';

jest.setTimeout(120_000);

/** File -> its text; each breaks the rule it is expected to. */
const SOURCES: Readonly<Record<string, string>> = {
  'engine/thing.ts': `import { act } from '../activities/act';\nexport const engine = act + Math.random();`,
  'activities/act.ts': `export interface Act { x: number }\nexport const act = 1;\nconsole.log(act);`,
  'campaign/wire.ts': `import { engine } from '../engine/thing';\nexport const wire: unknown = engine;`,
  'storage/store.ts': `import { pure } from '../seal/pure';\nexport const store: unknown = pure;`,
  'temporal/connect.ts': `import { store } from '../storage/store';\nexport const connect: unknown = store;`,
  'endpoint/ask.ts': `import { store } from '../storage/store';\nexport const ask: unknown = store;`,
  'seal/pure.ts': `import { readFileSync } from 'node:fs';\nexport const pure = [readFileSync, () => Date.now()];`,
  'seal/utils.ts': `export async function late(): Promise<void> { await Promise.resolve(); }\nlate();`,
  'seal/camelCase.ts': `export function go(): void { try { go(); } catch {} }`,
  'workflows/tree.ts': `import type { Act } from '../activities/act';\nimport { act } from '../activities/act';\nexport const a: Act = { x: act };`,
  'seal/domains/registry.ts': `export const DOMAINS = 1;`,
  'workflows/domain.ts': `import { DOMAINS } from '../seal/domains/registry';\nexport const d = DOMAINS;`,
  'cli/run.ts': `import { a } from '../workflows/tree';\nexport const run: unknown = a;`,
  'seal/one.ts': `import { two } from './two';\nexport const one: () => number = () => two();`,
  'seal/two.ts': `import { one } from './one';\nexport const two: () => number = () => one();`,
  'record/keys.ts': `export const key = (id: string): string => \`campaigns/\${id}/x.json\`;`,
  'audit/check.ts': `export const checked = (files: Record<string, string>, id: string): unknown => [\`campaigns/\${id}/\`, 'selection.json', { files }.files, id as unknown as number];`,
  'audit/places.ts': `export const places = (id: string): unknown => [/^(epoch-\\d+)\\/selection\\.json$/, \`\${id}/c1/candidate.json\`, \`\${id}/failed-\${id}.json\`];`,
  'activities/read.ts': `export const read = (one: { summary: unknown; settings: Record<string, unknown> }): unknown => [one.summary as string, one.settings['compute'] as string, JSON.parse('1') as number];`,
  'storage/places.ts': `export const place = (id: string): string => \`campaigns/\${id}/a.json\`;`,
  'cli/told.ts': `export const told = (one: { files: Record<string, string> }): unknown => [one.files['input.json'], 'report.json', 'campaigns/a/'];`,
  'settings/home.ts': `export const home = process.env['SEAL_HOME'];`,
  'endpoint/key.ts': `import { home } from '../settings/home';\nexport const key: unknown = home;`,
  'infra/hand.ts': `const { env } = process;\nexport const hand = env['SEAL_HOME'];`,
  'infra/up.ts': `import { store } from '../storage/store';\nexport const up: unknown = store;`,
};

const EXPECTED: readonly (readonly [file: string, rule: string])[] = [
  ['engine/thing.ts', 'import-x/no-restricted-paths'],
  ['engine/thing.ts', 'no-restricted-properties'],
  ['activities/act.ts', 'no-console'],
  ['campaign/wire.ts', 'import-x/no-restricted-paths'],
  ['storage/store.ts', 'import-x/no-restricted-paths'],
  ['temporal/connect.ts', 'import-x/no-restricted-paths'],
  ['endpoint/ask.ts', 'import-x/no-restricted-paths'],
  ['seal/pure.ts', 'import-x/no-nodejs-modules'],
  ['seal/pure.ts', 'no-restricted-globals'],
  ['seal/utils.ts', 'house/file-names'],
  ['seal/utils.ts', '@typescript-eslint/no-floating-promises'],
  ['seal/camelCase.ts', 'house/file-names'],
  ['seal/camelCase.ts', 'no-empty'],
  ['workflows/tree.ts', '@typescript-eslint/no-restricted-imports'],
  ['workflows/domain.ts', '@typescript-eslint/no-restricted-imports'],
  ['cli/run.ts', '@typescript-eslint/no-restricted-imports'],
  ['seal/one.ts', 'import-x/no-cycle'],
  ['seal/two.ts', 'import-x/no-cycle'],
  ['endpoint/key.ts', 'import-x/no-restricted-paths'],
  ['infra/hand.ts', 'no-restricted-properties'],
  ['infra/hand.ts', 'no-restricted-syntax'],
  ['infra/up.ts', 'import-x/no-restricted-paths'],
  ['audit/check.ts', 'no-restricted-syntax'],
  ['audit/check.ts', 'no-restricted-syntax'],
  ['audit/check.ts', 'no-restricted-syntax'],
  ...['audit/places.ts', 'activities/read.ts'].flatMap((file) => Array.from({ length: 3 }, () => [file, 'no-restricted-syntax'] as const)),
  ['storage/places.ts', 'no-restricted-syntax'],
  ['cli/told.ts', 'no-restricted-syntax'],
  ['cli/told.ts', 'no-restricted-syntax'],
];

interface LintResult {
  readonly filePath: string;
  readonly messages: readonly { readonly ruleId: string | null }[];
}

it('fails for every direction and habit that the rooms forbid, and for nothing else', async () => {
  const root = mkdtempSync(join(tmpdir(), 'seal-lint-'));
  try {
    for (const name of ['eslint.config.mjs', 'tsconfig.json', 'package.json']) cpSync(join(packageRoot(), name), join(root, name));
    symlinkSync(join(packageRoot(), 'node_modules'), join(root, 'node_modules'));
    for (const [file, text] of Object.entries(SOURCES)) {
      mkdirSync(dirname(join(root, file)), { recursive: true });
      writeFileSync(join(root, file), `${text}\n`);
    }
    const found = (await lint(root)).flatMap(({ filePath, messages }) =>
      messages.map(({ ruleId }) => `${filePath.slice(root.length + 1)} ${ruleId}`),
    );
    expect(found.sort()).toEqual(EXPECTED.map(([file, rule]) => `${file} ${rule}`).sort());
  } finally {
    rmSync(root, { recursive: true });
  }
});

function lint(root: string): Promise<LintResult[]> {
  const eslint = join(packageRoot(), 'node_modules', 'eslint', 'bin', 'eslint.js');
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [eslint, '.', '--format', 'json'], { cwd: root }, (error, stdout, stderr) => {
      if (stdout.startsWith('[')) resolve(JSON.parse(stdout) as LintResult[]);
      else reject(new Error(`eslint: ${stderr || error?.message}`));
    });
  });
}

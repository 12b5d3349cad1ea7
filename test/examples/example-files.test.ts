import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { parse } from 'yaml';
import { prepareCampaign } from '../../cli/prepare-campaign';
import { DOMAINS } from '../../seal/domains/registry';

const ROOT = join(__dirname, '..', '..', '..');
const EXAMPLES = join(ROOT, 'examples');
const FILES = readdirSync(EXAMPLES, { recursive: true, encoding: 'utf8' }).filter((name) => /\.ya?ml$/.test(name));

/** Every text of a YAML document that could be a path: with a slash, or with the ending of a file. */
function pathsIn(value: unknown): string[] {
  if (typeof value === 'string') return !/^\w+:\/\//.test(value) && (value.includes('/') || /\.\w+$/.test(value)) ? [value] : [];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(pathsIn) : [];
}

test.each(FILES)('examples/%s refers only to what is in the repository', (name) => {
  const file = join(EXAMPLES, name);
  for (const path of pathsIn(parse(readFileSync(file, 'utf8')))) {
    const target = resolve(dirname(file), path);
    expect({ path, inRepository: !relative(ROOT, target).startsWith('..'), exists: existsSync(target) }).toEqual({ path, inRepository: true, exists: true });
  }
});

test('the example of recorded self-edits can be started by whoever has the repository alone', async () => {
  const { spec, contexts } = await prepareCampaign(join(EXAMPLES, 'campaigns', 'recorded.yaml'));
  expect(spec.proposals).toMatchObject({ source: 'recorded', k: 4 });
  expect([contexts.train.length, contexts.heldOut.length]).toEqual([6, 6]);
  const domain = DOMAINS.get(spec.domain);
  for (const { task } of [...contexts.train, ...contexts.heldOut]) expect(new Set(domain.recordedSelfEdits(task)).size).toBe(4);
});

import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { z } from 'zod';
import { readPretrainFile } from '../../cli/pretraining-inputs';
import { readYamlFile } from '../../cli/yaml-file';
import { campaignSpecSchema } from '../../campaign/campaign-spec';
import { BadInputError } from '../../campaign/errors';
import { worldSpecSchema } from '../../seal/domains/knowledge/world/world-spec';

const readAny = (path: string): unknown => readYamlFile(path, z.unknown()).value;

const EXAMPLES = join(__dirname, '..', '..', '..', 'examples');

let directory: string;
let file: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'seal-yaml-'));
  file = join(directory, 'f.yaml');
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** The one line of a refusal; undefined where the file is taken. Anything but BadInputError is a bug. */
function refusal(content: string | Uint8Array, read: (path: string) => unknown): string | undefined {
  writeFileSync(file, content);
  try {
    read(file);
    return undefined;
  } catch (error) {
    if (!(error instanceof BadInputError)) throw error;
    expect(error.message).not.toMatch(/[\p{Cc}]/u);
    return error.message.replace(`${directory}/`, '');
  }
}

/** Each level names the one before it nine times. */
function billionLaughs(): string {
  const levels = 'abcdefghij'.split('');
  return levels.map((name, i) => `${name}: &${name} [${new Array(9).fill(i === 0 ? 'ha' : `*${levels[i - 1]}`).join(', ')}]\n`).join('');
}

describe('YAML made to exhaust its reader', () => {
  it.each<[what: string, text: string, line: string | RegExp]>([
    ['aliases that multiply', billionLaughs(), /^f\.yaml: expected anchors, and at most 100 aliases of them, got Excessive alias count/],
    ['more aliases than anybody writes', `a: &a 1\nb: [${'*a,'.repeat(5000)}]`, /^f\.yaml: expected anchors, and at most 100 aliases of them/],
    ['a list that contains itself', 'a: &a [*a]', 'f.yaml: expected aliases of values that stand elsewhere, got a value that contains itself'],
    ['a section that contains itself', 'a: &a { b: { c: *a } }', 'f.yaml: expected aliases of values that stand elsewhere, got a value that contains itself'],
    ['a merge of what is no section', '%YAML 1.1\n---\na: 1\n<<: 2\n', /^f\.yaml: expected anchors, .* got Merge sources must be maps or map aliases/],
    ['an alias of nothing', 'a: *b', /^f\.yaml: .* got Unresolved alias/],
    ['lists without end', '\n[' + '['.repeat(100_000), 'f.yaml:2: expected sections nested at most 40 deep, got deeper ones'],
    ['sections without end', '{a: '.repeat(100_000), 'f.yaml:1: expected sections nested at most 40 deep, got deeper ones'],
    ['items without end', '- '.repeat(100_000), 'f.yaml:1: expected sections nested at most 40 deep, got deeper ones'],
    ['keys without end', '? '.repeat(100_000), 'f.yaml:1: expected sections nested at most 40 deep, got deeper ones'],
    ['values without end', `a: [${'1,'.repeat(30_000)}]`, 'f.yaml: expected at most 20000 values, got more'],
    ['more text than anybody writes', `# ${'x'.repeat(1 << 20)}`, 'f.yaml: expected a file of at most 1048576 bytes, got 1048578 bytes'],
    ['two documents', 'a: 1\n---\nb: 2\n', /^f\.yaml:2: expected YAML, got Source contains multiple documents/],
  ])('%s', (_what, text, line) => {
    const started = performance.now();
    expect(refusal(text, readAny)).toMatch(line);
    expect(performance.now() - started).toBeLessThan(10_000);
  });

  it('takes anchors that are used as they are meant', () => {
    writeFileSync(file, 'a: &a { x: 1 }\nb: *a\nc: [*a, *a]\n');
    expect(readAny(file)).toEqual({ a: { x: 1 }, b: { x: 1 }, c: [{ x: 1 }, { x: 1 }] });
  });

  it('takes an endless device for what it is', () => {
    expect(() => readAny('/dev/zero')).toThrow('/dev/zero: expected a file of at most 1048576 bytes, got more');
  });
});

const campaigns = join(EXAMPLES, 'campaigns');
const readers: readonly (readonly [what: string, read: (path: string) => unknown, valid: readonly Buffer[]])[] = [
  ['campaign file', (path) => readYamlFile(path, campaignSpecSchema), readdirSync(campaigns).filter((name) => name.endsWith('.yaml')).map((name) => readFileSync(join(campaigns, name)))],
  ['pretraining file', readPretrainFile, [readFileSync(join(EXAMPLES, 'nano', 'pretrain.yaml'))]],
  ['world file', (path) => readYamlFile(path, worldSpecSchema), [readFileSync(join(EXAMPLES, 'nano', 'world.yaml'))]],
];

describe.each(readers)('a %s is read, or refused in one line', (_what, read, valid) => {
  const source = fc.constantFrom(...valid);

  it('with bytes replaced', () => {
    const changes = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(source, changes, (bytes, replacements) => {
        const changed = Buffer.from(bytes);
        for (const [position, byte] of replacements) changed[position % changed.length] = byte;
        refusal(changed, read);
      }),
      { numRuns: 100, seed: 1 },
    );
  });

  it('cut anywhere, and with a piece of another place', () => {
    fc.assert(
      fc.property(source, source, fc.nat(), fc.nat(), (one, other, end, start) => {
        refusal(Buffer.concat([one.subarray(0, end % one.length), other.subarray(start % other.length)]), read);
      }),
      { numRuns: 100, seed: 2 },
    );
  });

  it('with any value in the place of any other', () => {
    const word = fc.constantFrom('null', '.nan', '-.inf', '1e999', '0x10', '~', '[]', '{}', '"\\u0000"', '!!binary aGk=', '!foo bar', '*x', '&x 1', '|', '2001-01-01', '-1', '1.5', '99999999999999999999', '<<: 1', '{ __proto__: 1 }', '"\\uD800"');
    fc.assert(
      fc.property(source, fc.nat(), word, (bytes, at, value) => {
        const lines = bytes.toString('utf8').split('\n');
        const line = at % lines.length;
        lines[line] = (lines[line] ?? '').replace(/: .*$/, `: ${value}`);
        refusal(lines.join('\n'), read);
      }),
      { numRuns: 120, seed: 3 },
    );
  });

  it('of any YAML', () => {
    const piece = fc.constantFrom('a', ': ', '- ', '\n', '  ', '{', '}', '[', ']', ',', '"', "'", '&a ', '*a ', '!!set ', '#', '|\n', '>-\n', '? ', '%YAML 1.1\n---\n', '...\n', 'seed: 1\n', '__proto__: ', '<<: ', '\t', '\u0000', '\ufeff', 'constructor: ');
    fc.assert(fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => void refusal(pieces.join(''), read)), { numRuns: 200, seed: 4 });
  });
});

import fc from 'fast-check';
import { scopes } from '../../campaign/campaign';
import { manifestKeys } from '../../record/keys';

const name = fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,20}$/);
const positive = fc.integer({ min: 1, max: 99_999 });
const hex = (digits: number): fc.Arbitrary<string> => fc.stringMatching(new RegExp(`^[0-9a-f]{${digits}}$`));
const version = positive;

/** Values that stand in keys, by the name of their field. */
const VALUES: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  campaignId: name,
  scope: fc.oneof(
    fc.tuple(positive, version).map(([epoch, of]) => scopes.epoch(epoch, of)),
    fc.tuple(name, version).map(([method, of]) => scopes.evaluation(method, of)),
  ),
  contextId: hex(16),
  ...Object.fromEntries(['epoch', 'candidate', 'repeat', 'pass', 'from', 'to', 'chunk', 'page', 'revision', 'version'].map((field) => [field, positive])),
  retries: fc.nat(99),
  method: name,
  name,
  training: hex(32),
  machine: hex(12),
  steps: fc.nat(10_000_000),
  sha256: hex(64),
  state: fc.constantFrom('failed', 'cancelled', 'paused'),
  short: hex(12),
  archive: fc.oneof(fc.constant('campaign'), positive.map((epoch) => scopes.epoch(epoch)), fc.uuid().map((run) => `ended/${run}`)),
  asked: fc.oneof(fc.constant(''), hex(12)),
  at: fc.date({ min: new Date('2000-01-01'), max: new Date('2100-01-01'), noInvalidDate: true }).map((date) => date.toISOString()),
};

/** Fields of each form, in order. */
const FORMS: Readonly<Record<keyof typeof manifestKeys, readonly string[]>> = {
  campaign: [],
  proposalsChunk: ['scope', 'chunk'],
  proposals: ['scope'],
  unadapted: ['scope', 'chunk'],
  rawAnswers: ['scope', 'from', 'to', 'repeat'],
  rawUnadapted: ['scope', 'chunk'],
  endpointAnswer: ['scope', 'contextId', 'candidate'],
  verdict: ['sha256'],
  adapter: ['scope', 'contextId', 'candidate', 'repeat'],
  evaluation: ['scope', 'contextId', 'candidate', 'repeat'],
  candidate: ['scope', 'contextId', 'candidate'],
  failedCandidate: ['scope', 'contextId', 'candidate', 'pass'],
  selection: ['epoch', 'version'],
  policy: ['epoch', 'version'],
  policyTraining: ['epoch', 'version'],
  method: ['method', 'version'],
  revision: ['revision'],
  work: ['scope', 'name'],
  checkpoint: ['training', 'machine', 'steps'],
  report: ['retries'],
  partialReport: ['state', 'short'],
  historyPage: ['archive', 'page', 'asked'],
  digest: ['sha256'],
  deletion: [],
  tombstone: ['at'],
};

type AnyForm = ((...values: readonly unknown[]) => string) & { readonly parse: (key: string) => unknown };
const forms = Object.entries(manifestKeys) as unknown as [keyof typeof manifestKeys, AnyForm][];

test.each(forms)('a key of %s reads as the values that it was written from, and as no other form', (kind, form) => {
  const fields = ['campaignId', ...FORMS[kind]];
  fc.assert(
    fc.property(fc.tuple(...fields.map((field) => VALUES[field]!)), (values) => {
      const key = form(...values);
      expect(form.parse(key)).toEqual(Object.fromEntries(fields.map((field, i) => [field, values[i]])));
      expect(forms.filter(([, other]) => other.parse(key) !== null).map(([other]) => other)).toEqual([kind]);
    }),
  );
});

test('a number that is usual stands in no key', () => {
  expect(manifestKeys.selection('c', 2)).toBe('campaigns/c/epoch-2/selection.json');
  expect(manifestKeys.selection('c', 2, 1)).toBe('campaigns/c/epoch-2/selection.json');
  expect(manifestKeys.method('c', 'base', 2)).toBe('campaigns/c/evaluation/base.v2.json');
  expect(manifestKeys.report('c', 0)).toBe('campaigns/c/report.json');
  expect(manifestKeys.historyPage('c', 'ended/run', 3)).toBe('campaigns/c/histories/ended/run/page-3.json');
});

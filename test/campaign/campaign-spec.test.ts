import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { campaignSpecSchema, promptOf } from '../../campaign/campaign-spec';

const CAMPAIGNS = join(__dirname, '..', '..', '..', 'examples', 'campaigns');

const document = (over: object = {}): object => ({
  name: 'towns',
  seed: 1,
  model: 'm',
  epochs: 1,
  contexts: { train: { path: 'a.json' }, heldOut: { path: 'b.json' } },
  ...over,
});

describe('whoever parses a campaign file, not only seal start, refuses fields that contradict each other', () => {
  const table: readonly (readonly [what: string, over: object, path: string, message: string])[] = [
    ['more kept than proposed', { proposals: { k: 2 }, selection: { keep: 3 } }, 'selection.keep', 'at most proposals.k, which is 2'],
    ['more kept than the default proposes', { selection: { keep: 6 } }, 'selection.keep', 'at most proposals.k, which is 5'],
    ['learning rates the wrong way round', { limits: { learningRate: [0.1, 0.01] } }, 'limits.learningRate', 'the lower bound first'],
    ['passes the wrong way round', { limits: { trainEpochs: [3, 2] } }, 'limits.trainEpochs', 'the lower bound first'],
    ['a source without its endpoint', { proposals: { source: 'endpoint' } }, 'proposals.endpoint', 'url and model of an endpoint, for proposals.source: endpoint'],
    ['a baseline without its endpoint', { evaluation: { baselines: ['endpoint'] } }, 'proposals.endpoint', 'url and model of an endpoint, for the endpoint baseline'],
    ['a grader without its endpoint', { reward: { grader: 'judge' } }, 'reward.judge', 'url and model of an endpoint, for reward.grader: judge'],
    ['a prompt and a template', { proposals: { prompt: 'implications', template: 'a.txt' } }, 'proposals.template', 'a prompt or a template'],
    ['a baseline twice', { evaluation: { baselines: ['base', 'base'] } }, 'evaluation.baselines', 'each baseline once'],
    ['a file and a world', { contexts: { train: { path: 'a', world: 'w' }, heldOut: { path: 'b' } } }, 'contexts.train', 'exactly one of path and world'],
    ['a world without an end', { contexts: { train: { world: 'w' }, heldOut: { path: 'b' } } }, 'contexts.train.take', 'how many contexts of the world to take'],
  ];

  it.each(table)('%s', (_what, over, path, message) => {
    const [issue] = campaignSpecSchema.safeParse(document(over)).error?.issues ?? [];
    expect({ path: issue?.path.join('.'), message: issue?.message }).toEqual({ path, message });
  });
});

test('a prompt is part of a campaign where no template takes its place, and the default is one', () => {
  const prompted = campaignSpecSchema.parse(document());
  expect([prompted.proposals.prompt, promptOf(prompted)]).toEqual(['implications', 'implications']);
  expect(campaignSpecSchema.parse(document({ proposals: { template: 'a.txt' } })).proposals).not.toHaveProperty('prompt');
});

const files = readdirSync(CAMPAIGNS).filter((name) => name.endsWith('.yaml'));
test.each(files)('%s, parsed and parsed again, is the same campaign', (name) => {
  const once = campaignSpecSchema.parse(parse(readFileSync(join(CAMPAIGNS, name), 'utf8')));
  expect(campaignSpecSchema.parse(once)).toEqual(once);
});

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { leftOutLines } from '../../cli/campaign-contexts';
import { prepareCampaign, type PreparedCampaign } from '../../cli/prepare-campaign';
import { BadInputError } from '../../campaign/errors';
import { goldenModel } from '../golden/golden-values';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'seal-passages-'));
  writeFileSync(join(directory, 'towns.json'), JSON.stringify([{ title: 'A', context: 'A is a town', questions: [{ question: 'what', answer: 'town' }] }]));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** Prepares a campaign that trains on a file with this content; its name says nothing of it. */
async function trainedOn(content: string): Promise<PreparedCampaign> {
  writeFileSync(join(directory, 'passages'), content);
  const file = join(directory, 'c.yaml');
  writeFileSync(file, `name: towns\nseed: 1\nmodel: ${goldenModel('tied-fp32')}\nepochs: 0\ncontexts: { train: { path: passages }, heldOut: { path: towns.json } }\n`);
  return prepareCampaign(file);
}

const row = (title: string, question: string, answers: readonly string[]): string =>
  JSON.stringify({ id: question, title, context: `${title} is a port`, question, answers: { text: answers, answer_start: answers.map(() => 0) } });
const port = (title: string, ...questions: readonly string[]): object => ({ title, context: `${title} is a port`, questions: questions.map((question) => ({ question, answer: 'port' })) });

test.each<[what: string, content: string]>([
  ['as lines, blank ones, CRLF and a byte order mark among them', `\ufeff${row('Vel', 'q1', ['port'])}\r\n\r\n${row('Orn', 'q2', ['port', 'x'])}\n${row('Vel', 'q3', ['port'])}\n${row('Vel', 'q4', [])}\n`],
  ['as a list', `[${row('Vel', 'q1', ['port'])},\n${row('Orn', 'q2', ['port'])},${row('Vel', 'q3', ['port'])},${row('Vel', 'q4', [])}]`],
])("rows of the hub's SQuAD are recognised by their shape: %s", async (_what, content) => {
  const { spec, contexts } = await trainedOn(content);
  expect(contexts.train.map(({ task }) => task)).toEqual([port('Vel', 'q1', 'q3'), port('Orn', 'q2')]);
  expect(contexts.leftOut).toEqual({ train: { unanswerable: 1, withoutQuestions: 0 } });
  expect(leftOutLines(spec, contexts)).toEqual(['passages: left out 1 question without an answer']);
});

test('SQuAD as published says how much of it is left out', async () => {
  const qas = [{ question: 'q1', answers: [{ text: 'port', answer_start: 9 }] }, { question: 'q2', answers: [], is_impossible: true }, { question: 'q3', answers: [], is_impossible: true }];
  const json = { version: 'v2.0', data: [{ title: 'Vel', paragraphs: [{ context: 'Vel is a port', qas }, { context: 'Empty', qas: [] }] }] };
  const { spec, contexts } = await trainedOn(JSON.stringify(json, null, 1));
  expect(contexts.train.map(({ task }) => task)).toEqual([port('Vel', 'q1')]);
  expect(leftOutLines(spec, contexts)).toEqual(['passages: left out 2 questions without an answer and 1 passage without a question that has one']);
});

test('a flat list is read as lines too, and says nothing of what is left out', async () => {
  const { spec, contexts } = await trainedOn(`${JSON.stringify(port('Vel', 'q'))}\n${JSON.stringify(port('Orn', 'q'))}\n`);
  expect(contexts.train).toHaveLength(2);
  expect(contexts.leftOut).toEqual({});
  expect(leftOutLines(spec, contexts)).toEqual([]);
});

test.each<[what: string, content: string, message: string]>([
  ['a mistake in a line', `${row('Vel', 'q1', ['port'])}\n\n{"title": "Orn"\n`, "passages:3: expected a JSON object, got malformed JSON (expected ',' or '}' after property value)"],
  ['a field in a line', `${row('Vel', 'q1', ['port'])}\n\n${row('Orn', ' ', ['port'])}\n`, 'passages:3: question: expected text that is not blank, got " "'],
  ['a line of another shape', `${row('Vel', 'q1', ['port'])}\n${JSON.stringify(port('Orn', 'q'))}`, 'passages:2: expected {title, context, question, answers}, as the first entry, got {title, context, questions}'],
  ['a list of a line', `${row('Vel', 'q1', ['port'])}\n[]\n`, 'passages:2: expected a JSON object, got a list'],
])('%s is named by its line', async (_what, content, message) => {
  const error: unknown = await trainedOn(content).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(BadInputError);
  expect((error as Error).message.replace(`${directory}/`, '')).toBe(message);
});

import { BadInputError } from '../../../../campaign/errors';
import { loadContexts } from '../../../../seal/domains/knowledge/load-contexts';
import { sharedJson, sharedText, testWith } from '../../shared-data';

const context = 'Orn is a town by a river. Merchants load salt at the gate.';
const salt = { text: 'salt', answer_start: 41 };
const orn = { title: 'Orn', context, questions: [{ question: 'What do merchants load?', answer: 'salt' }] };
const article = (...paragraphs: unknown[]): unknown => ({ title: 'Orn', paragraphs });
const squad = (...data: unknown[]): unknown => ({ version: '1.1', data });
const asked = (question: string, fields: object = {}): object => ({ id: question, question, answers: [salt], ...fields });
const row = (fields: object = {}): object => ({ id: 'q1', title: 'Orn', context, question: 'What do merchants load?', answers: { text: ['salt'], answer_start: [41] }, ...fields });

test('SQuAD v1.1 as published is read: the first of several answers, passages without questions left out and counted', () => {
  const json = squad(article({ context, qas: [asked('What do merchants load?', { answers: [salt, { text: 'white salt', answer_start: 36 }] })] }, { context: 'Vel lies by the sea.', qas: [] }));
  expect(loadContexts(json, 'f.json')).toEqual({ contexts: [orn], leftOut: { unanswerable: 0, withoutQuestions: 1 } });
});

test('SQuAD v2.0 as published is read: unanswerable questions left out and counted, and a passage that has no others', () => {
  const impossible = { answers: [], plausible_answers: [salt], is_impossible: true };
  const json = squad(
    article({ context, qas: [asked('What do merchants load?', { is_impossible: false }), asked('Who rules Orn?', impossible)] }, { context: 'Vel.', qas: [asked('Who?', impossible), asked('Why?', { answers: [] })] }),
  );
  expect(loadContexts(json, 'f.json')).toEqual({ contexts: [orn], leftOut: { unanswerable: 3, withoutQuestions: 1 } });
});

test('rows of the hub are grouped by title and passage in order of first appearance', () => {
  const rows = [
    row(),
    row({ title: 'Vel', question: 'Where?', answers: { text: ['by the sea', 'sea'], answer_start: [9, 16] } }),
    row({ question: 'Where do they load?', answers: { text: ['at the gate'], answer_start: [46] } }),
    row({ title: 'Vel', question: 'Who rules?', answers: { text: [], answer_start: [] } }),
  ];
  const expected = {
    contexts: [
      { ...orn, questions: [...orn.questions, { question: 'Where do they load?', answer: 'at the gate' }] },
      { title: 'Vel', context, questions: [{ question: 'Where?', answer: 'by the sea' }] },
    ],
    leftOut: { unanswerable: 1, withoutQuestions: 0 },
  };
  expect(loadContexts(rows, 'f.json')).toEqual(expected);
  expect(loadContexts(rows, 'f.jsonl', [1, 2, 4, 5])).toEqual(expected);
  expect(loadContexts(row(), 'f.jsonl')).toEqual({ contexts: [orn], leftOut: { unanswerable: 0, withoutQuestions: 0 } });
});

test('a passage that SQuAD has twice is one with the questions of both', () => {
  const json = squad(article({ context, qas: [asked('What do merchants load?')] }, { context, qas: [asked('What else?')] }, { context, qas: [] }));
  expect(loadContexts(json, 'f.json')).toEqual({
    contexts: [{ ...orn, questions: [...orn.questions, { question: 'What else?', answer: 'salt' }] }],
    leftOut: { unanswerable: 0, withoutQuestions: 0 },
  });
});

const SHAPES = 'passages {title, context, questions}, SQuAD as published ({data: [{title, paragraphs}]}) or its rows {title, context, question, answers}';
test.each<[what: string, json: unknown, lines: readonly number[] | undefined, message: string]>([
  ['none of the shapes', { passages: [] }, undefined, `f: expected ${SHAPES}, got an object`],
  ['rows behind a passage', [orn, row()], undefined, 'f: [1]: expected {title, context, questions}, as the first entry, got {title, context, question, answers}'],
  ['a passage behind articles', squad(article({ context, qas: [] }), orn), undefined, 'f: data[1]: expected {title, paragraphs}, as the first entry, got {title, context, questions}'],
  ['a passage behind rows', [row(), orn], [1, 4], 'f:4: expected {title, context, question, answers}, as the first entry, got {title, context, questions}'],
  ['no article', squad(), undefined, 'f: data: expected at least one passage, got an empty list'],
  ['no answer to any question', squad(article({ context, qas: [asked('Who?', { is_impossible: true })] })), undefined, 'f: expected at least one passage with an answered question, got none'],
  ['no answers', squad(article({ context, qas: [{ question: 'Who?' }] })), undefined, 'f: data[0].paragraphs[0].qas[0].answers: expected a list of {text, answer_start}, got nothing'],
  ['a blank answer', squad(article({ context, qas: [asked('Who?', { answers: [{ text: ' ' }] })] })), undefined, 'f: data[0].paragraphs[0].qas[0].answers[0].text: expected text that is not blank, got " "'],
  ['a blank title', squad({ title: '', paragraphs: [] }), undefined, 'f: data[0].title: expected text that is not blank, got ""'],
  ['no paragraphs', squad({ title: 'Orn', paragraphs: 3 }), undefined, 'f: data[0].paragraphs: expected a list of {context, qas}, got 3'],
  ['no qas', squad(article({ context })), undefined, 'f: data[0].paragraphs[0].qas: expected a list of {question, answers}, got nothing'],
  ['half a surrogate pair', [row({ context: 'a \ud800' })], [7], 'f:7: context: expected Unicode text, without half a surrogate pair, got "a \\ud800"'],
  ['an answer in words', [row(), row({ answers: 'salt' })], [1, 2], 'f:2: answers: expected {text, answer_start}, got "salt"'],
  ['answers that are no list', [row({ answers: { text: 'salt' } })], undefined, 'f: [0].answers.text: expected a list of texts, got "salt"'],
])('%s is bad input in one line', (_what, json, lines, message) => {
  const load = (): unknown => loadContexts(json, 'f', lines);
  expect(load).toThrow(BadInputError);
  expect(load).toThrow(new Error(message));
});

const REPORT = 'reports/11-squad-as-published';
testWith(`${REPORT}/squad-v2.0.json`)('files that were reported of other tools are read', () => {
  const question = [{ question: 'What do merchants load in Orn?', answer: 'salt' }];
  const read = (json: unknown): unknown => {
    const { contexts, leftOut } = loadContexts(json, 'f');
    return { questions: contexts.map(({ questions }) => questions), ...leftOut };
  };
  expect(read(sharedJson(`${REPORT}/squad-v1.1.json`))).toEqual({ questions: [question], unanswerable: 0, withoutQuestions: 1 });
  expect(read(sharedJson(`${REPORT}/squad-v2.0.json`))).toEqual({ questions: [question], unanswerable: 1, withoutQuestions: 0 });
  expect(read(JSON.parse(sharedText(`${REPORT}/squad-hub-rows.jsonl`)))).toEqual({ questions: [question], unanswerable: 0, withoutQuestions: 0 });
});

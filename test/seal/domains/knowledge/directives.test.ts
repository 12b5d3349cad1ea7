import { type Limits, parseDirectives } from '../../../../seal/domains/knowledge/directives';

const limits: Limits = {
  learningRate: [1e-5, 1e-2],
  trainEpochs: [2, 20],
  maxRows: 10,
  maxRowTokens: 100,
  activitySeconds: 60, checkpointSeconds: 60,
};

test('a self-edit without directives is passed on as it is', () => {
  const text = '\n1. One.\n{"learning_rate": 1}';
  expect(parseDirectives(text, limits)).toEqual({ accepted: true, directives: {}, notes: [], rest: text });
});

test('directives stand on the first non-empty line and are taken off the text', () => {
  const text = '\n  {"learning_rate": 0.002, "num_train_epochs": 8, "loss_on": "completion"}\nOne.\nTwo.';
  expect(parseDirectives(text, limits)).toEqual({
    accepted: true,
    directives: { learningRate: 0.002, trainEpochs: 8, lossOn: 'completion' },
    notes: [],
    rest: '\nOne.\nTwo.',
  });
});

test.each([
  ['{"learning_rate": 0.5}', { learningRate: 1e-2 }, 'learning_rate 0.5 clamped to 0.01'],
  ['{"learning_rate": 1e-6}', { learningRate: 1e-5 }, 'learning_rate 0.000001 clamped to 0.00001'],
  ['{"num_train_epochs": 2000}', { trainEpochs: 20 }, 'num_train_epochs 2000 clamped to 20'],
  ['{"num_train_epochs": 1}', { trainEpochs: 2 }, 'num_train_epochs 1 clamped to 2'],
])('%s outside the limits is clamped, with a note', (line, directives, note) => {
  expect(parseDirectives(line, limits)).toMatchObject({ accepted: true, directives, notes: [note] });
});

test.each([
  ['{"learning_rate": 0.01}', { learningRate: 1e-2 }],
  ['{"num_train_epochs": 20}', { trainEpochs: 20 }],
  ['{}', {}],
])('%s on the limit or empty is taken without a note', (line, directives) => {
  expect(parseDirectives(line, limits)).toEqual({ accepted: true, directives, notes: [], rest: '' });
});

test.each([
  ['{"learning_rate": 1.5}', 'directives: learning_rate: expected about 0.00001 to 0.01, got 1.5'],
  ['{"learning_rate": 1e-8}', 'directives: learning_rate: expected about 0.00001 to 0.01, got 1e-8'],
  ['{"num_train_epochs": 1000000}', 'directives: num_train_epochs: expected about 2 to 20, got 1000000'],
  ['{"learning_rate": -0.001}', 'directives: learning_rate: expected a positive number, got -0.001'],
  ['{"learning_rate": 0}', 'directives: learning_rate: expected a positive number, got 0'],
  ['{"learning_rate": "0.001"}', 'directives: learning_rate: expected a positive number, got "0.001"'],
  ['{"learning_rate": 1e999}', 'directives: learning_rate: expected a positive number, got Infinity'],
  ['{"learning_rate": null}', 'directives: learning_rate: expected a positive number, got null'],
  ['{"num_train_epochs": 2.5}', 'directives: num_train_epochs: expected a whole number of at least 1, got 2.5'],
  ['{"num_train_epochs": 0}', 'directives: num_train_epochs: expected a whole number of at least 1, got 0'],
  ['{"loss_on": "passage"}', 'directives: loss_on: expected "all" or "completion", got "passage"'],
  ['{"epochs": 3}', 'directives: expected only learning_rate, num_train_epochs and loss_on, got "epochs"'],
  ['{"__proto__": 3}', 'directives: expected only learning_rate, num_train_epochs and loss_on, got "__proto__"'],
  ['{"learning_rate": NaN}', 'directives: expected a JSON object on one line, got "{\\"learning_rate\\": NaN}"'],
  ['{', 'directives: expected a JSON object on one line, got "{"'],
])('%s is refused', (line, reason) => {
  expect(parseDirectives(`${line}\nOne.`, limits)).toEqual({ accepted: false, reason });
});

import { ApplicationFailure } from '@temporalio/common';
import { BadInputError, EndpointFailedError, OutOfMemoryError } from '../../campaign/errors';
import { runAs } from '../../telemetry/current-work';
import { Log } from '../../telemetry/log';
import { describeError, formatLogLine, parseLogLine } from '../../telemetry/log-line';
import { SealMeter } from '../../telemetry/meter';
import { idsOfWorkflow } from '../../telemetry/work-ids';

const CANARY = 'the passage says canary';

test.each([
  ['towns', { campaignId: 'towns' }],
  ['towns/epoch-2', { campaignId: 'towns', epoch: 2 }],
  ['towns/epoch-2/ab12cd34/c3', { campaignId: 'towns', epoch: 2, contextId: 'ab12cd34', candidate: 3 }],
  ['towns/evaluation/seal-epoch-1', { campaignId: 'towns', method: 'seal-epoch-1' }],
])('the workflow id %s says what belongs to it', (workflowId, ids) => {
  expect(idsOfWorkflow(workflowId)).toEqual({ workflowId, ...ids });
});

test('a line is JSON with time, level, message and the ids, and nothing that is not on the list', () => {
  const fields = { ...idsOfWorkflow('towns/epoch-1/ab12cd34/c3'), attempt: 2, task: { passage: CANARY }, prompt: CANARY, seconds: 1.5 };
  const line = formatLogLine({ level: 'INFO', message: 'activity done', timeMs: 0, fields });
  expect(JSON.parse(line)).toEqual({
    time: '1970-01-01T00:00:00.000Z',
    level: 'INFO',
    message: 'activity done',
    campaignId: 'towns',
    workflowId: 'towns/epoch-1/ab12cd34/c3',
    attempt: 2,
    epoch: 1,
    contextId: 'ab12cd34',
    candidate: 3,
    seconds: 1.5,
  });
  expect(parseLogLine(line)).toMatchObject({ level: 'INFO', campaignId: 'towns' });
});

test('a message with line ends stays one line, one of megabytes a short one', () => {
  expect(formatLogLine({ level: 'WARN', message: 'a\nb' }).split('\n')).toHaveLength(1);
  expect(formatLogLine({ level: 'WARN', message: 'x'.repeat(5_000_000), fields: { reason: 'y'.repeat(5_000_000) } }).length).toBeLessThan(1_300);
});

test.each([
  ['a bug', new TypeError(CANARY)],
  ['text that is no JSON', unparsable()],
  ['bad input', new BadInputError({ where: 'row 1', expected: 'a text', got: CANARY })],
  ['an endpoint that quotes', new EndpointFailedError(CANARY)],
  ['a failure out of history', ApplicationFailure.create({ message: CANARY, type: 'Bug' })],
  ['a cause', ApplicationFailure.create({ message: 'Activity task failed', cause: new Error(CANARY) })],
  ['a thrown text', CANARY],
])('of %s only type and place are written, since its message may quote', (_what, error) => {
  const line = formatLogLine({ level: 'ERROR', message: 'activity failed', fields: { error } });
  expect(line).not.toContain('canary');
  expect(JSON.parse(line)).toHaveProperty('error.type');
});

function unparsable(): unknown {
  try {
    return JSON.parse(CANARY);
  } catch (error) {
    return error;
  }
}

test('of a failure class with words of its own the message is written', () => {
  expect(describeError(new OutOfMemoryError('fineTune: no memory'))).toMatchObject({ type: 'OutOfMemoryError', message: 'fineTune: no memory' });
  expect(describeError(ApplicationFailure.create({ type: 'ComputeStalledError', message: 'no step for 60 s' }))).toMatchObject({ message: 'no step for 60 s' });
});

test.each(['', 'plain text', '{"time": "2026', '{"level":"INFO"}', '[1]', 'null', '{"time":"t","level":"LOUD","message":"m"}'])(
  'a line that is none of ours is told from one: %s',
  (line) => expect(parseLogLine(line)).toBeNull(),
);

test('what is logged deep inside an activity has its ids; levels below are not written', async () => {
  const lines: string[] = [];
  const log = new Log('WARN', (line) => lines.push(line));
  const ids = { ...idsOfWorkflow('towns/epoch-1/ab12cd34/c3'), activity: 'fineTuneAdapters', attempt: 1 };
  await runAs({ ids, meter: new SealMeter() }, async () => {
    await Promise.resolve();
    log.info('not written');
    log.warn('the compute process ended', { reason: 'stalled' });
  });
  log.warn('outside');
  expect(lines.map((line) => parseLogLine(line))).toMatchObject([
    { message: 'the compute process ended', reason: 'stalled', campaignId: 'towns', activity: 'fineTuneAdapters', candidate: 3 },
    { message: 'outside' },
  ]);
  expect(parseLogLine(lines[1]!)).not.toHaveProperty('campaignId');
});

test('a line of the SDK gets the ids that its workflow id holds', () => {
  const lines: string[] = [];
  new Log('INFO', (line) => lines.push(line)).sdkLogger().warn('Activity failed', { workflowId: 'towns/epoch-1', activityType: 'trainPolicy', args: [CANARY], reason: CANARY, error: new Error(CANARY) });
  expect(lines.join()).not.toContain('canary');
  expect(parseLogLine(lines[0]!)).toMatchObject({ message: 'Activity failed', campaignId: 'towns', epoch: 1, activity: 'trainPolicy', error: { type: 'Error' } });
});

test('of what another process writes about an error the type is kept, and its frames as they come', () => {
  const lines: string[] = [];
  const log = new Log('INFO', (line) => lines.push(line));
  for (const line of [`TypeError: ${CANARY}`, `Uncaught SyntaxError: ${CANARY}`, '    at walk (graph.js:1:2)', '[W:onnxruntime:, a.cc:1 Run] a warning']) log.foreign(line, { process: 'compute' });
  expect(lines.map((line) => parseLogLine(line)?.message)).toEqual(['TypeError', 'Uncaught SyntaxError', '    at walk (graph.js:1:2)', '[W:onnxruntime:, a.cc:1 Run] a warning']);
});

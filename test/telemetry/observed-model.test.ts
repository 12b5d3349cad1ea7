import { ComputeCancelledError, ComputeProcessDiedError, ComputeStalledError, OutOfMemoryError } from '../../campaign/errors';
import type { FineTuneResult, GenerateRequest, GenerateResult, FineTuneRequest } from '../../campaign/language-model';
import { runAs } from '../../telemetry/current-work';
import { Log } from '../../telemetry/log';
import { parseLogLine } from '../../telemetry/log-line';
import { SealMeter } from '../../telemetry/meter';
import { observeModel, type ProcessModel } from '../../telemetry/observed-model';
import type { WorkSpan } from '../../telemetry/work-span';
import { fakeLanguageModel } from '../activities/fake-language-model';
import { recordedMeter } from './recorded-meter';

const IDS = { campaignId: 'towns', activity: 'fineTuneAdapters', attempt: 1 };
const request = {} as FineTuneRequest & GenerateRequest;

function observed(overrides: Partial<ProcessModel>) {
  const { meter, recorded } = recordedMeter();
  const lines: string[] = [];
  const state = { pid: 1 as number | undefined };
  const model: ProcessModel = Object.defineProperty({ ...fakeLanguageModel().model, ...overrides, pid: 1 }, 'pid', { get: () => state.pid });
  const log = new Log('INFO', (line) => lines.push(line));
  return {
    model: observeModel(model, new SealMeter(meter), log),
    state,
    lines,
    of: (name: string) => recorded.filter((one) => one.name === name),
    restarts: () => recorded.filter(({ name, value }) => name === 'seal_compute_restarts' && value > 0).map(({ tags }) => tags?.['reason']),
    as: <Result>(run: () => Promise<Result>, span?: WorkSpan) => runAs({ ids: IDS, meter: new SealMeter(meter), ...(span === undefined ? {} : { span }) }, run),
  };
}

test('a fine-tune is measured by activity, and its tokens are counted', async () => {
  const result = { outcomes: [{ status: 'done', trainedTokens: 30 }, { status: 'failed' }, { status: 'done', trainedTokens: 12 }], seconds: 1 } as unknown as FineTuneResult;
  const { model, of, as } = observed({ fineTune: () => Promise.resolve(result) });
  expect(await as(() => model.fineTune(request))).toBe(result);
  expect(of('seal_trained_tokens')).toMatchObject([{ value: 42, tags: { activity: 'fineTuneAdapters' } }]);
  expect(of('seal_compute')).toMatchObject([{ unit: 'seconds', tags: { activity: 'fineTuneAdapters', method: 'fineTune', outcome: 'done' } }]);
});

test('generated tokens are counted, of a request outside of any activity too', async () => {
  const { model, of } = observed({ generate: () => Promise.resolve({ groups: [], generatedTokens: 7, seconds: 1 } as GenerateResult) });
  await model.generate(request);
  expect(of('seal_generated_tokens')).toMatchObject([{ value: 7, tags: { activity: 'none' } }]);
});

test.each([
  [new ComputeProcessDiedError('signal SIGKILL'), 'process-died'],
  [new OutOfMemoryError('bad allocation'), 'out-of-memory'],
  [new ComputeStalledError('no step'), 'stalled'],
])('%s is one restart, with its reason in counter and log', async (error, reason) => {
  const { model, state, restarts, lines, as, of } = observed({ fineTune: () => Promise.reject(error) });
  state.pid = undefined;
  await expect(as(() => model.fineTune(request))).rejects.toBe(error);
  expect(restarts()).toEqual([reason]);
  expect(parseLogLine(lines[0]!)).toMatchObject({ level: 'WARN', reason, campaignId: 'towns' });
  expect(of('seal_compute')).toMatchObject([{ tags: { outcome: 'failed' } }]);
});

test('a cancelled request that ran has cost its process, one that waited has not', async () => {
  let ran = false;
  const { model, state, restarts, as } = observed({
    score: () => {
      if (ran) state.pid = undefined;
      return Promise.reject(new ComputeCancelledError('score: cancelled'));
    },
  });
  await as(() => model.countTokens({ modelDirectory: '', rows: [] }));
  await expect(as(() => model.score({ modelDirectory: '', groups: [] }))).rejects.toThrow('cancelled');
  expect(restarts()).toEqual([]);
  ran = true;
  await expect(as(() => model.score({ modelDirectory: '', groups: [] }))).rejects.toThrow('cancelled');
  expect(restarts()).toEqual(['cancelled']);
});

test('a request that was stopped because it took too long counts as stalled', async () => {
  const { model, state, restarts, as } = observed({ score: () => Promise.reject(new ComputeCancelledError('score: cancelled')) });
  const controller = new AbortController();
  const late = new ComputeStalledError('no end');
  controller.abort(late);
  state.pid = undefined;
  await expect(as(() => model.score({ modelDirectory: '', groups: [] }, { signal: controller.signal }))).rejects.toThrow('cancelled');
  expect(restarts()).toEqual(['stalled']);
});

test('a process that ends between two requests is noticed by the next', async () => {
  const { model, state, restarts, as } = observed({});
  await as(() => model.countTokens({ modelDirectory: '', rows: [] }));
  state.pid = 2;
  await as(() => model.countTokens({ modelDirectory: '', rows: [] }));
  await as(() => model.countTokens({ modelDirectory: '', rows: [] }));
  expect(restarts()).toEqual(['idle']);
});

test('says whether it is busy, and with whose request; its span ends with it', async () => {
  let answer: (() => void) | undefined;
  const { model, as } = observed({ merge: () => new Promise<void>((resolve) => (answer = resolve)) });
  const ended: unknown[] = [];
  const span: WorkSpan = { child: (name) => ({ ...span, end: (error) => void ended.push([name, error]) }), end: () => undefined };
  const merging = as(() => model.merge({ modelDirectory: '', adapterDirectories: [], outDirectory: '' }), span);
  expect([model.busy, model.serving]).toEqual([true, IDS]);
  expect(ended).toEqual([]);
  answer?.();
  await merging;
  expect(model.busy).toBe(false);
  expect(ended).toEqual([['compute merge', undefined]]);
});

test('a process that could say itself that memory ran out goes on, and is no restart', async () => {
  const { model, restarts, as } = observed({ fineTune: () => Promise.reject(new OutOfMemoryError('bad allocation')) });
  await as(() => model.countTokens({ modelDirectory: '', rows: [] }));
  await expect(as(() => model.fineTune(request))).rejects.toThrow('bad allocation');
  expect(restarts()).toEqual([]);
});

import { BadInputError } from '../../campaign/errors';
import { whyNoCuda } from '../../engine/runtime/cuda-libraries';
import { readWorkerSettings } from '../../settings/worker';
import { refuseUnservable } from '../../workers/servable-queues';

const SERVER = { TEMPORAL_ADDRESS: 'localhost:7233' };

test('a worker serves every queue unless it is told which', () => {
  expect(readWorkerSettings(SERVER, [])).toMatchObject({ queuesNamed: false, queues: ['orchestration', 'bookkeeping', 'compute', 'compute-cuda', 'compute-webgpu'] });
  expect(readWorkerSettings(SERVER, ['--queues', 'compute-cuda,compute'])).toMatchObject({ queuesNamed: true, queues: ['compute-cuda', 'compute'] });
});

test('the time to drain comes from the environment', () => {
  expect(readWorkerSettings(SERVER, [])).toMatchObject({ drainSeconds: 1, deployment: null });
  expect(readWorkerSettings({ ...SERVER, SEAL_DRAIN_SECONDS: '300' }, [])).toMatchObject({ drainSeconds: 300 });
});

test('a deployment needs its build; a build alone makes no deployment', () => {
  expect(readWorkerSettings({ ...SERVER, SEAL_DEPLOYMENT: 'seal', SEAL_BUILD_ID: '0.1.0-abc' }, []).deployment).toEqual({ deploymentName: 'seal', buildId: '0.1.0-abc' });
  expect(readWorkerSettings({ ...SERVER, SEAL_BUILD_ID: '0.1.0-abc' }, []).deployment).toBeNull();
});

test.each([
  ['an unknown queue', {}, ['--queues', 'compute,gpu'], '--queues'],
  ['another flag', {}, ['--queue', 'compute'], '--queues'],
  ['a drain in words', { SEAL_DRAIN_SECONDS: '5m' }, [], 'SEAL_DRAIN_SECONDS'],
  ['a deployment without a build', { SEAL_DEPLOYMENT: 'seal' }, [], 'SEAL_BUILD_ID'],
  ['a deployment with a point', { SEAL_DEPLOYMENT: 'seal.eu', SEAL_BUILD_ID: '1' }, [], 'SEAL_DEPLOYMENT'],
])('%s is refused by its name', (_what, env, args, where) => {
  expect(() => readWorkerSettings({ ...SERVER, ...env }, args)).toThrow(BadInputError);
  expect(() => readWorkerSettings({ ...SERVER, ...env }, args)).toThrow(where);
});

test('a queue for CUDA is refused exactly where its libraries are missing', () => {
  expect(() => refuseUnservable(['orchestration', 'compute'])).not.toThrow();
  const serve = expect(() => refuseUnservable(['compute', 'compute-cuda']));
  if (whyNoCuda() === null) serve.not.toThrow();
  else serve.toThrow('compute-cuda: no CUDA libraries');
});

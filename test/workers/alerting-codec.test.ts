import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { Client, type WorkflowHandle } from '@temporalio/client';
import type { ApplicationFailure, DataConverter } from '@temporalio/common';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { bundleWorkflowCode, DefaultLogger, Runtime, Worker, type WorkflowBundle } from '@temporalio/worker';
import { EncryptionCodec } from '../../temporal/encryption/encryption-codec';
import { type KeyRing, keyRing } from '../../temporal/encryption/key-ring';
import { failureClassOf } from '../../campaign/failures';
import { serverBinary } from '../../infra/stack/server-binaries';
import { SealMeter } from '../../telemetry/meter';
import { AlertingCodec, keyAlert } from '../../workers/alerting-codec';
import { recordedMeter } from '../telemetry/recorded-meter';
import { eventually } from '../workflows/temporal-fixture';

jest.setTimeout(300_000);

const logger = new DefaultLogger('ERROR', () => undefined);
const ring = (id: string): KeyRing => keyRing('keys.json', { active: id, keys: { [id]: randomBytes(32).toString('base64') } });
const [ours, theirs] = [ring('ours'), ring('theirs')];
const MISSING = 'keys.json: expected the key "ours" that this payload was encrypted with, got the keys theirs';

let environment: TestWorkflowEnvironment;
let workflowBundle: WorkflowBundle;
beforeAll(async () => {
  Runtime.install({ logger });
  const path = await serverBinary('temporal', () => undefined);
  environment = await TestWorkflowEnvironment.createLocal({ server: { executable: { type: 'existing-path', path }, extraArgs: ['--log-level', 'never'] } });
  workflowBundle = await bundleWorkflowCode({ workflowsPath: join(__dirname, '..', 'fixtures', 'echo', 'workflows.js'), logger });
});
afterAll(() => environment.teardown());

/** A worker's payloads, of which it has another key until it is given the right one. */
class OtherKeys {
  readonly alerts: string[] = [];
  #ring = theirs;

  readonly converter: DataConverter = {
    payloadCodecs: [new AlertingCodec(new EncryptionCodec(theirs, () => this.#ring), ({ message }) => this.alerts.push(message))],
  };

  mend(): void {
    this.#ring = ours;
  }
}

const withOurs: DataConverter = { payloadCodecs: [new EncryptionCodec(ours)] };

/** Workers of a queue's workflows and activities, each with payloads of its own, while `body` runs. */
async function served(queue: string, converters: { readonly workflows: DataConverter; readonly activities: DataConverter }, body: () => Promise<void>): Promise<void> {
  const common = { connection: environment.nativeConnection, namespace: 'default' };
  const activities = await Worker.create({ ...common, taskQueue: `${queue}-activities`, activities: { say: (text: string) => Promise.resolve(text) }, dataConverter: converters.activities });
  const workflows = await Worker.create({ ...common, taskQueue: queue, workflowBundle, dataConverter: converters.workflows });
  await activities.runUntil(workflows.runUntil(body));
}

function start(queue: string, workflowId: string, dataConverter: DataConverter): Promise<WorkflowHandle> {
  const client = new Client({ connection: environment.connection, dataConverter });
  return client.workflow.start('echo', { taskQueue: queue, workflowId, args: [`${queue}-activities`, 'hello'] });
}

test('an activity whose key the worker lacks is tried again until the key is there', async () => {
  const others = new OtherKeys();
  await served('activity', { workflows: withOurs, activities: others.converter }, async () => {
    const handle = await start('activity', 'one', withOurs);
    await eventually('three attempts', () => others.alerts.length >= 3);
    expect(new Set(others.alerts)).toEqual(new Set([MISSING]));
    others.mend();
    expect(await handle.result()).toBe('hello');
  });
});

test('a workflow whose key the worker lacks has not failed, others go on beside it, and it goes on once the key is there', async () => {
  const others = new OtherKeys();
  await served('workflow', { workflows: others.converter, activities: others.converter }, async () => {
    const handle = await start('workflow', 'two', withOurs);
    await eventually('two attempts', () => others.alerts.length >= 2, 60_000);
    expect(await (await start('workflow', 'beside', { payloadCodecs: [new EncryptionCodec(theirs)] })).result()).toBe('hello');
    expect((await handle.describe()).status.name).toBe('RUNNING');
    others.mend();
    expect(await handle.result()).toBe('hello');
  });
});

test('no campaign takes the failure for a final one', async () => {
  const others = new OtherKeys();
  const [payload] = await new EncryptionCodec(ours).encode([{ metadata: {}, data: Buffer.from('text') }]);
  const [codec] = others.converter.payloadCodecs!;
  const failure = codec!.decode([payload!]);
  await expect(failure).rejects.toMatchObject({ name: 'ApplicationFailure', nonRetryable: false, message: MISSING });
  const { type } = (await failure.catch((error: unknown) => error)) as ApplicationFailure;
  expect(failureClassOf(type)).toBe('machine-unable');
});

test('each missing key is counted, and said once a minute', () => {
  const { meter, recorded } = recordedMeter();
  const said: string[] = [];
  const alert = keyAlert({ error: (line) => void said.push(line) }, new SealMeter(meter));
  const reason = Object.assign(new Error(MISSING), { detail: {} }) as never;
  alert(reason);
  alert(reason);
  expect(recorded.map(({ name, value }) => [name, value])).toEqual([['seal_missing_keys', 0], ['seal_missing_keys', 1], ['seal_missing_keys', 1]]);
  expect(said).toEqual([expect.stringContaining(MISSING)]);
});

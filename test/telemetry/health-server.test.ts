import { BadInputError } from '../../campaign/errors';
import { addressText } from '../../settings/listen-address';
import { type HealthCheck, HealthServer } from '../../telemetry/health-server';

const LOOPBACK = { host: '127.0.0.1', port: 0 };
const well = (): HealthCheck => ({ ok: true, detail: 'well' });
const servers: HealthServer[] = [];
afterEach(() => servers.splice(0).forEach((server) => server.close()));

async function serve(...args: Parameters<typeof HealthServer.start>): Promise<HealthServer> {
  const server = await HealthServer.start(...args);
  servers.push(server);
  return server;
}

async function ask(server: HealthServer, path: string): Promise<[number, unknown]> {
  const response = await fetch(`http://${addressText(server.address)}${path}`);
  return [response.status, await response.json()];
}

test('alive and ready are two questions', async () => {
  const server = await serve(LOOPBACK, 'SEAL_HEALTH_ADDRESS', { alive: well, ready: { polling: () => ({ ok: false, detail: 'DRAINING' }) } });
  expect(await ask(server, '/healthz')).toEqual([200, { alive: { ok: true, detail: 'well' } }]);
  expect(await ask(server, '/readyz')).toEqual([503, { alive: { ok: true, detail: 'well' }, polling: { ok: false, detail: 'DRAINING' } }]);
  expect(await ask(server, '/metrics')).toEqual([404, { expected: ['/healthz', '/readyz'] }]);
});

test('a check that fails is an answer, not an end', async () => {
  const server = await serve(LOOPBACK, 'SEAL_HEALTH_ADDRESS', { alive: well, ready: { server: () => Promise.reject(new Error('DEADLINE_EXCEEDED')) } });
  expect(await ask(server, '/readyz')).toEqual([503, { alive: { ok: true, detail: 'well' }, server: { ok: false, detail: 'DEADLINE_EXCEEDED' } }]);
  expect((await ask(server, '/healthz'))[0]).toBe(200);
});

test('who does not answer in time is not ready', async () => {
  const server = await serve(LOOPBACK, 'SEAL_HEALTH_ADDRESS', { alive: well, ready: { compute: () => new Promise(() => undefined) } });
  expect(await ask(server, '/readyz')).toEqual([503, { alive: { ok: true, detail: 'well' }, compute: { ok: false, detail: 'no answer within 5 s' } }]);
});

test.each([
  ['an address that is taken', (port: number) => ({ host: '127.0.0.1', port })],
  ['an address of another machine', () => ({ host: '192.0.2.1', port: 0 })],
])('%s is bad input that names the variable', async (_what, address) => {
  const first = await serve(LOOPBACK, 'SEAL_HEALTH_ADDRESS', { alive: well, ready: {} });
  const second = serve(address(first.address.port), 'SEAL_HEALTH_ADDRESS', { alive: well, ready: {} });
  await expect(second).rejects.toThrow(BadInputError);
  await expect(second).rejects.toThrow(/^SEAL_HEALTH_ADDRESS: expected an address of this machine that is free/);
});

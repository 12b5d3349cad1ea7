import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Connection } from '@temporalio/client';
import { ClosableConnection } from '../../temporal/closable-connection';

const LONG_MS = 30_000;

let refusing: Server;
let tries = 0;
beforeAll(async () => {
  refusing = createServer((socket) => {
    tries += 1;
    socket.destroy();
  }).listen(0, '127.0.0.1');
  await once(refusing, 'listening');
});
afterAll(() => {
  refusing.close();
});

function open(connectTimeout: number): Connection {
  const { port } = refusing.address() as AddressInfo;
  return ClosableConnection.lazy({ address: `127.0.0.1:${port}`, connectTimeout });
}

test('a connection that is closed while it is waited for is waited for no more', async () => {
  const connection = open(LONG_MS);
  const startedMs = performance.now();
  const connecting = connection.ensureConnected().catch((error: unknown) => error);
  while (tries === 0) await sleep(20);
  await connection.close();
  expect(await connecting).toBeInstanceOf(Error);
  expect(performance.now() - startedMs).toBeLessThan(LONG_MS / 2);
});

test('one that is not closed is waited for until its deadline', async () => {
  const connection = open(700);
  const startedMs = performance.now();
  await expect(connection.ensureConnected()).rejects.toThrow();
  expect(performance.now() - startedMs).toBeGreaterThan(600);
  await connection.close();
});

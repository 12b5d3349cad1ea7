import { createServer } from 'node:net';
import { freePort, LOOPBACK, onFreePorts } from '../../infra/stack/ports';

function listen(port: number): Promise<() => void> {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(new Error(`listen: ${error.code === 'EADDRINUSE' ? 'bind: address already in use' : error.message}`)));
    server.listen(port, LOOPBACK, () => resolve(() => void server.close()));
  });
}

test('a port that somebody took in between is given up for another', async () => {
  const taken = await freePort(0);
  const release = await listen(taken);
  const asked: number[] = [];
  const end = await onFreePorts(async () => {
    asked.push(asked.length === 0 ? taken : await freePort(0));
    return listen(asked.at(-1)!);
  });
  expect(asked).toHaveLength(2);
  end();
  release();
});

test('what fails otherwise, or again and again, is not hidden', async () => {
  let attempts = 0;
  const failing = (message: string) => () => {
    attempts += 1;
    return Promise.reject(new Error(message));
  };
  await expect(onFreePorts(failing('no such file'))).rejects.toThrow('no such file');
  expect(attempts).toBe(1);
  await expect(onFreePorts(failing('bind: address already in use'))).rejects.toThrow('already in use');
  expect(attempts).toBe(1 + 4);
});

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { temporalSettings } from '../../settings/temporal';

let home: string;
const embedded = '127.0.0.1:7233';

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'seal-home-'));
  const temporal = { address: embedded, namespace: 'seal', uiUrl: null, embedded: true };
  const s3 = { endpoint: 'http://127.0.0.1:7070', bucket: 'seal', region: 'us-east-1', credentialsFile: null };
  writeFileSync(join(home, 'stack.json'), JSON.stringify({ temporal, s3 }));
});
afterEach(() => rmSync(home, { recursive: true }));

it('sends no key to the embedded server, whose address is in the environment; only the namespace counts there', () => {
  const env = { SEAL_HOME: home, TEMPORAL_ADDRESS: embedded, TEMPORAL_API_KEY: 'mine', TEMPORAL_TLS: 'true' };
  expect(temporalSettings(env)).toEqual({ address: embedded, namespace: 'seal', security: {} });
  expect(temporalSettings({ ...env, TEMPORAL_NAMESPACE: 'mine' })).toEqual({ address: embedded, namespace: 'mine', security: {} });
});

it('sends it to a server of the user\'s own', () => {
  const env = { SEAL_HOME: home, TEMPORAL_ADDRESS: 'temporal.example.com:7233', TEMPORAL_API_KEY: 'mine' };
  expect(temporalSettings(env)).toMatchObject({ address: env.TEMPORAL_ADDRESS, security: { apiKey: 'mine' } });
});

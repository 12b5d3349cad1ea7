import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ServerUnreachableError } from '../../campaign/errors';
import { s3Settings } from '../../settings/s3';

let home: string;
const credentials = { accessKeyId: 'embedded', secretAccessKey: 'secret' };
const embedded = 'http://127.0.0.1:7070';

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'seal-home-'));
});
afterEach(() => rmSync(home, { recursive: true }));

function embeddedRuns(): void {
  const credentialsFile = join(home, 's3-credentials.json');
  writeFileSync(credentialsFile, JSON.stringify(credentials));
  const s3 = { endpoint: embedded, bucket: 'seal', region: 'us-east-1', credentialsFile };
  const temporal = { address: '127.0.0.1:7233', namespace: 'seal', uiUrl: null };
  writeFileSync(join(home, 'stack.json'), JSON.stringify({ s3, temporal }));
}

it('finds the embedded server and its credentials', () => {
  embeddedRuns();
  const settings = { endpoint: embedded, bucket: 'seal', region: 'us-east-1', credentials };
  expect(s3Settings({ SEAL_HOME: home })).toEqual(settings);
  expect(s3Settings({ SEAL_HOME: home, S3_ENDPOINT: embedded })).toEqual(settings);
  expect(s3Settings({ SEAL_HOME: home, S3_ENDPOINT: '' })).toEqual(settings);
});

it('uses what is the embedded server\'s own at its address, whatever the AWS environment says, and nothing of it elsewhere', () => {
  embeddedRuns();
  const aws = { AWS_ACCESS_KEY_ID: 'mine', AWS_SECRET_ACCESS_KEY: 'mine', AWS_REGION: 'eu-central-1', S3_BUCKET: 'mine' };
  expect(s3Settings({ SEAL_HOME: home, S3_ENDPOINT: embedded, ...aws })).toEqual({ endpoint: embedded, bucket: 'seal', region: 'us-east-1', credentials });
  const otherwise = embedded.replace('127.0.0.1', 'localhost');
  expect(s3Settings({ SEAL_HOME: home, S3_ENDPOINT: otherwise, ...aws })).toEqual({ endpoint: otherwise, bucket: 'mine', region: 'eu-central-1' });
});

it('never sends the embedded credentials to another server', () => {
  embeddedRuns();
  const env = { SEAL_HOME: home, S3_ENDPOINT: 'https://s3.example.com', S3_BUCKET: 'mine', AWS_REGION: 'eu-central-1' };
  expect(s3Settings(env)).toEqual({
    ...{ endpoint: 'https://s3.example.com', bucket: 'mine', region: 'eu-central-1' },
  });
});

it('says what to do where there is no server', () => {
  expect(() => s3Settings({ SEAL_HOME: home })).toThrow(
    new ServerUnreachableError(`no S3 server: S3_ENDPOINT is not set and nothing runs in ${home}; run "seal up"`),
  );
});

it.each(['localhost:7070', 'ftp://x', 'no address'])('refuses S3_ENDPOINT=%s', (endpoint) => {
  expect(() => s3Settings({ SEAL_HOME: home, S3_ENDPOINT: endpoint })).toThrow(
    `S3_ENDPOINT: expected an http or https address, got ${JSON.stringify(endpoint)}`,
  );
});

it('names the credentials that are not where a home that was moved had them', () => {
  embeddedRuns();
  rmSync(join(home, 's3-credentials.json'));
  expect(() => s3Settings({ SEAL_HOME: home })).toThrow(`${join(home, 's3-credentials.json')}: expected what "seal up" writes; run "seal down", then "seal up", got no such file`);
});

it('names a garbled stack file', () => {
  writeFileSync(join(home, 'stack.json'), '{');
  expect(() => s3Settings({ SEAL_HOME: home })).toThrow(join(home, 'stack.json'));
});

import { execFile, execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { packageRoot } from '../../infra/stack/package-root';

jest.setTimeout(60_000);

/** How the published archive is served. */
type Serving = 'right' | 'other content' | 'cut' | 'missing';

let root: string;
let archive: Buffer;
let server: Server;
let releases: string;
let serving: Serving;
let requests: number;

const script = (text: string): string => `#!/bin/sh\n${text}\n`;
function program(path: string, text: string): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, script(text));
  chmodSync(path, 0o755);
  return path;
}

beforeAll(async () => {
  const source = mkdtempSync(join(tmpdir(), 'seal-release-'));
  program(join(source, 'widget_v1.2.3', 'widget'), 'echo downloaded');
  writeFileSync(join(source, 'widget_v1.2.3', 'padding'), Buffer.alloc(200_000, 'x').map((_, index) => (index * 7919) % 251));
  execFileSync('tar', ['-czf', 'widget.tar.gz', 'widget_v1.2.3'], { cwd: source });
  archive = readFileSync(join(source, 'widget.tar.gz'));
  rmSync(source, { recursive: true });
  server = createServer((_request, response) => {
    requests += 1;
    if (serving === 'missing') response.writeHead(404).end();
    else if (serving === 'cut') {
      response.writeHead(200, { 'content-length': archive.byteLength }).write(archive.subarray(0, 100));
      setTimeout(() => response.destroy(), 20);
    } else response.end(serving === 'right' ? archive : Buffer.concat([archive, Buffer.from('more')]));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  releases = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
});
afterAll(() => new Promise((resolve) => server.close(resolve)));

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'seal-programs-'));
  serving = 'right';
  requests = 0;
  // A Go that "builds" a program which says so.
  program(join(root, 'go', 'go'), `printf '#!/bin/sh\\necho built with %s\\n' "$2" > "$GOBIN/widget"; chmod +x "$GOBIN/widget"`);
});
afterEach(() => rmSync(root, { recursive: true }));

interface Outcome {
  /** What the program prints, or null where none could be had. */
  readonly runs: string | null;
  readonly said: string[];
}

/** Gets the program in a process of its own, as bootstrap does. */
function getWidget(env: NodeJS.ProcessEnv = {}): Promise<Outcome> {
  const code = `
    import { serverProgram } from ${JSON.stringify(join(packageRoot(), 'infra/bootstrap/server-programs.mjs'))};
    import { say } from ${JSON.stringify(join(packageRoot(), 'infra/bootstrap/narrate.mjs'))};
    const release = { path: 'widget.tar.gz', member: 'widget_v1.2.3/widget', sha256: process.env.SHA256 };
    const program = { name: 'widget', version: '1.2.3', variable: 'WIDGET', atLeast: '1.2.0', release: () => release,
      goPackage: 'example.com/widget/cmd/widget@v1.2.3', buildTime: 'an instant' };
    try { process.stdout.write(await serverProgram(program)); } catch (error) { say(error.message); process.exitCode = 1; }`;
  const environment = {
    PATH: `${join(root, 'go')}:/usr/bin:/bin`,
    XDG_CACHE_HOME: join(root, 'cache'),
    SHA256: createHash('sha256').update(archive).digest('hex'),
    SEAL_RELEASES_URL: releases,
    ...env,
  };
  return new Promise((resolve) => {
    execFile(process.execPath, ['--input-type=module', '-e', code], { env: environment }, (error, path, said) => {
      const runs = error === null ? execFileSync(path, { encoding: 'utf8' }).trim() : null;
      resolve({ runs, said: said.trim().split('\n').filter(Boolean) });
    });
  });
}
const cached = (): string[] => readdirSync(join(root, 'cache', 'seal', 'bin'));

it('downloads the published program and says so', async () => {
  const { runs, said } = await getWidget();
  expect(runs).toBe('downloaded');
  expect(said).toEqual([
    'seal: downloading widget 1.2.3 (about 50 MB)',
    expect.stringMatching(/^seal: done downloading widget 1.2.3 in \d+ s$/),
  ]);
  expect(cached()).toEqual(['widget-1.2.3']);
});

it('uses what it got before without a word', async () => {
  await getWidget();
  const again = await getWidget();
  expect(again).toEqual({ runs: 'downloaded', said: [] });
  expect(requests).toBe(1);
});

const failures: [Serving, RegExp][] = [
  ['other content', /could not download widget: .*\/widget.tar.gz: expected SHA-256 [0-9a-f]{64}, got [0-9a-f]{64}$/],
  ['cut', /could not download widget: .*\/widget.tar.gz: /],
  ['missing', /could not download widget: .*\/widget.tar.gz: the server answered 404$/],
];
it.each(failures)('takes the next way, and says why, where the download is: %s', async (how, reason) => {
  serving = how;
  const { runs, said } = await getWidget();
  expect(runs).toBe('built with example.com/widget/cmd/widget@v1.2.3');
  expect(said[1]).toMatch(reason);
  expect(said[2]).toBe('seal: building widget 1.2.3 from source with Go (an instant)');
  expect(cached()).toEqual(['widget-1.2.3']);
});

it('takes the next way, and says why, where no server answers', async () => {
  const { runs, said } = await getWidget({ SEAL_RELEASES_URL: 'http://127.0.0.1:1' });
  expect(runs).toBe('built with example.com/widget/cmd/widget@v1.2.3');
  expect(said[1]).toMatch(/could not download widget: http:\/\/127.0.0.1:1\/widget.tar.gz: .*(bad port|ECONNREFUSED)/);
});

it('says what to do where no way is left, and leaves nothing behind', async () => {
  serving = 'missing';
  program(join(root, 'go', 'go'), 'echo "no such module" >&2; exit 1');
  const { runs, said } = await getWidget();
  expect(runs).toBeNull();
  expect(said.at(-1)).toBe(
    'seal: no widget: put widget 1.2.3 on PATH, name it in WIDGET, or install Go; the last way failed with ' +
      'go install example.com/widget/cmd/widget@v1.2.3: exit 1: no such module',
  );
  expect(cached()).toEqual([]);
});

it('downloads once for two processes at once', async () => {
  const outcomes = await Promise.all([getWidget(), getWidget(), getWidget()]);
  expect(outcomes.map(({ runs }) => runs)).toEqual(['downloaded', 'downloaded', 'downloaded']);
  expect(requests).toBe(1);
  expect(cached()).toEqual(['widget-1.2.3']);
});

it('goes on where a killed process left its lock and half a program', async () => {
  const bin = join(root, 'cache', 'seal', 'bin');
  mkdirSync(join(bin, 'widget-1.2.3.partial-abc'), { recursive: true });
  writeFileSync(join(bin, 'widget-1.2.3.lock'), JSON.stringify({ pid: process.pid, startTime: 'long ago' }));
  expect((await getWidget()).runs).toBe('downloaded');
  expect(cached()).toEqual(['widget-1.2.3']);
});

it('prefers the program that the user names', async () => {
  const own = program(join(root, 'own'), 'echo my own');
  expect(await getWidget({ WIDGET: own })).toEqual({ runs: 'my own', said: [] });
  const { runs, said } = await getWidget({ WIDGET: join(root, 'nowhere') });
  expect(runs).toBeNull();
  expect(said).toEqual([`seal: WIDGET: expected an executable file, got ${join(root, 'nowhere')}`]);
});

it('prefers a program on PATH that is new enough', async () => {
  program(join(root, 'go', 'widget'), 'echo widget v1.10.0');
  expect(await getWidget()).toEqual({ runs: 'widget v1.10.0', said: [] });
  expect(requests).toBe(0);
});

it('passes over a program on PATH that is too old, and says so', async () => {
  const old = program(join(root, 'go', 'widget'), 'echo widget v1.1.9');
  const { runs, said } = await getWidget();
  expect(runs).toBe('downloaded');
  expect(said[0]).toBe(`seal: not using ${old}: expected version 1.2.0 or later, got 1.1.9`);
});

it('reads the version that go install leaves in a program', async () => {
  const path = program(join(root, 'go', 'widget'), 'echo version: git\nexit 0');
  writeFileSync(path, `${readFileSync(path, 'utf8')}path\texample.com/widget/cmd/widget\nmod\texample.com/widget\tv1.3.0\th1:x=\n`);
  expect(await getWidget()).toEqual({ runs: 'version: git', said: [] });
  expect(existsSync(join(root, 'cache'))).toBe(false);
});

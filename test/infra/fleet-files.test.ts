/* eslint-disable @typescript-eslint/no-unsafe-return, @typescript-eslint/no-unsafe-argument, @typescript-eslint/no-unsafe-call -- YAML of others is read for its fields */
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { COMPUTE_SLOTS, QUEUE_NAMES, TASK_QUEUES } from '../../campaign/queues';
import { packageRoot } from '../../infra/stack/package-root';
import { SCHEDULING_ARGUMENTS } from '../../infra/stack/temporal-server';
import { type Document, INFRA, readDockerfile, readYaml, resourcesOf } from './fleet-documents';

const DOCKERFILE = join(INFRA, 'images', 'Dockerfile');
const COMPOSE = join(INFRA, 'compose', 'compose.yaml');
const OVERLAYS = readdirSync(join(INFRA, 'kubernetes', 'overlays')).map((name) => join(INFRA, 'kubernetes', 'overlays', name, 'kustomization.yaml'));
const IMAGES = ['seal-worker', 'seal-worker-cuda'];

/** Rooms that run in a worker. */
const WORKER_ROOMS = ['settings', 'workers', 'temporal', 'storage', 'telemetry', 'endpoint', 'engine', 'infra/stack'];
/** Read by the AWS SDK, by Node. */
const READ_BY_OTHERS = ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'NODE_ENV'];

const instructions = readDockerfile(DOCKERFILE);
const [compose] = readYaml(COMPOSE);
const services = Object.entries(compose.services as Record<string, Document>);
const ours = services.filter(([, { image }]) => IMAGES.includes(String(image).split(':')[0]!));
const pods = OVERLAYS.flatMap((overlay) => resourcesOf(overlay).filter(({ kind }) => kind === 'Deployment' || kind === 'Job'));
const deployments = pods.filter(({ kind }) => kind === 'Deployment');

function imageVariable(name: string): string | undefined {
  const set = instructions.filter((instruction) => instruction.stage === 'worker' && instruction.name === 'ENV').map(({ text }) => text).join(' ');
  return new RegExp(`(?:^|\\s)${name}=(\\S*)`).exec(set)?.[1];
}

const portOf = (address: string | undefined): number => Number(address?.split(':').at(-1));

function sourcesOfWorkers(): string {
  return WORKER_ROOMS.flatMap((room) =>
    readdirSync(join(packageRoot(), room), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => readFileSync(join(packageRoot(), room, name), 'utf8')),
  ).join('\n');
}

/** Variables that files set for our own images, by where. */
function variablesSet(): [where: string, name: string][] {
  const found: [string, string][] = [];
  for (const [name, { environment }] of ours) for (const variable of Object.keys(environment ?? {})) found.push([`compose ${name}`, variable]);
  for (const { text, stage } of instructions.filter(({ name }) => name === 'ENV')) {
    if (stage !== 'worker') continue;
    for (const [, variable] of text.matchAll(/(?:^|\s)([A-Z0-9_]+)=/g)) found.push(['image', variable!]);
  }
  for (const { metadata, spec } of pods) {
    for (const { name } of spec.template.spec.containers[0].env ?? []) found.push([metadata.name, name]);
  }
  const maps = OVERLAYS.flatMap(resourcesOf).filter(({ kind, metadata }) => kind === 'ConfigMap' && metadata.name === 'seal-servers');
  for (const { data } of maps) for (const name of Object.keys(data)) found.push(['seal-servers', name]);
  const certificates = readYaml(join(INFRA, 'kubernetes', 'tls', 'certificates.yaml'))[0] as Document[];
  for (const { path, value } of certificates) if (path.endsWith('/env/-')) found.push(['tls', value.name]);
  return found;
}

test('every variable that is set for a worker is one that it reads', () => {
  const sources = sourcesOfWorkers();
  const set = variablesSet();
  expect(set.length).toBeGreaterThan(30);
  const unread = set.filter(([, name]) => !READ_BY_OTHERS.includes(name) && !new RegExp(`\\b${name}\\b`).test(sources));
  expect(unread).toEqual([]);
});

test('every queue is one that campaigns wait on', () => {
  const flags = [
    ...ours.filter(([, { command }]) => command?.[0] === '--queues').map(([, { command }]) => command[1]),
    ...deployments.map(({ spec }) => spec.template.spec.containers[0].args[1]),
    ...instructions.filter(({ name, text }) => name === 'CMD' && text.includes('--queues')).map(({ text }) => JSON.parse(text)[1]),
  ].flatMap((list: string) => list.split(','));
  expect(flags.filter((name) => !QUEUE_NAMES.includes(name as never))).toEqual([]);
  expect(flags).toEqual(expect.arrayContaining(['orchestration', 'bookkeeping', 'compute', 'compute-cuda']));
  const scaled = OVERLAYS.flatMap(resourcesOf).filter(({ kind }) => kind === 'ScaledObject');
  expect(scaled.length).toBeGreaterThan(0);
  for (const { spec } of scaled) {
    const { taskQueue, targetQueueSize } = spec.triggers[0].metadata;
    expect(Object.values(TASK_QUEUES)).toContain(taskQueue);
    const target = deployments.find(({ metadata }) => metadata.name === spec.scaleTargetRef.name);
    const { args } = target.spec.template.spec.containers[0];
    expect(TASK_QUEUES[args[1] as keyof typeof TASK_QUEUES]).toBe(taskQueue);
    expect([targetQueueSize, spec.triggers[1].metadata.threshold]).toEqual([`${COMPUTE_SLOTS}`, `${COMPUTE_SLOTS}`]);
  }
});

test('whoever pins inputs or computes sees the base models', () => {
  const needModels = (queues: string): boolean => /bookkeeping|compute/.test(queues);
  for (const [name, { command, volumes = [] }] of ours) {
    if (command?.[0] === '--queues') expect([name, (volumes as string[]).some((volume) => volume.endsWith(':/models:ro'))]).toEqual([name, needModels(command[1])]);
  }
  for (const { metadata, spec } of deployments) {
    const [{ args, volumeMounts }] = spec.template.spec.containers;
    expect([metadata.name, (volumeMounts as Document[]).some(({ mountPath }) => mountPath === '/models')]).toEqual([metadata.name, needModels(args[1])]);
  }
});

test('images are named alike, built by stages that there are, and pinned where they are others', () => {
  const header = readFileSync(DOCKERFILE, 'utf8');
  for (const image of IMAGES) expect(header).toContain(`--tag ${image}:`);
  expect(ours.map(([name]) => name)).toEqual(expect.arrayContaining(['orchestration', 'compute', 'compute-cuda', 'seal', 'prepare']));
  const stages = instructions.filter(({ name }) => name === 'FROM').map(({ stage }) => stage);
  for (const [, { build }] of ours) {
    expect(stages).toContain(build.args.DEVICE);
    expect(resolve(INFRA, 'compose', build.context, build.dockerfile)).toBe(DOCKERFILE);
  }
  for (const { spec } of pods) expect(IMAGES).toContain(spec.template.spec.containers[0].image);
  for (const overlay of OVERLAYS) {
    const [{ images }] = readYaml(overlay);
    const used = new Set(resourcesOf(overlay).flatMap(({ spec }) => spec?.template?.spec?.containers?.[0]?.image ?? []));
    expect(images.map(({ name }: Document) => name).sort()).toEqual([...used].sort());
  }
  const foreign = [
    ...services.filter(([name]) => !ours.some(([own]) => own === name)).map(([, { image }]) => String(image)),
    ...instructions.filter(({ name }) => name === 'FROM').map(({ text }) => text.split(' ')[0]!).filter((image) => image !== '${DEVICE}' && !stages.includes(image)),
  ];
  expect(foreign.filter((image) => !/:v?\d+\.\d+/.test(image))).toEqual([]);
});

test('probes and scrapes ask where the image listens', () => {
  const addresses = [imageVariable('SEAL_HEALTH_ADDRESS'), imageVariable('SEAL_METRICS_ADDRESS')];
  const [health, metrics] = addresses.map(portOf);
  // Of every interface: nobody else reaches a container's loopback.
  expect(addresses).toEqual([`0.0.0.0:${health}`, `0.0.0.0:${metrics}`]);
  const check = instructions.find(({ name, stage }) => name === 'HEALTHCHECK' && stage === 'worker');
  expect(check?.text).toContain(`http://127.0.0.1:${health}/readyz`);
  for (const { spec } of deployments) {
    const [container] = spec.template.spec.containers;
    expect(container.ports).toEqual([{ name: 'health', containerPort: health }, { name: 'metrics', containerPort: metrics }]);
    expect(container.livenessProbe.httpGet).toEqual({ path: '/healthz', port: 'health' });
    expect(container.startupProbe.httpGet).toEqual({ path: '/healthz', port: 'health' });
    expect(container.readinessProbe.httpGet).toEqual({ path: '/readyz', port: 'health' });
  }
  const [prometheus] = readYaml(join(INFRA, 'compose', 'prometheus.yaml'));
  const [discovery] = prometheus.scrape_configs[0].dns_sd_configs;
  expect(discovery.port).toBe(metrics);
  for (const name of discovery.names) expect(Object.keys(compose.services)).toContain(name);
});

test('a worker is given the time that it takes to drain', () => {
  // What the worker itself waits after SEAL_DRAIN_SECONDS (workers/seal-workers.ts), and as much to spare.
  const afterDrainSeconds = 20;
  for (const { spec } of deployments) {
    const drain = spec.template.spec.containers[0].env.find(({ name }: Document) => name === 'SEAL_DRAIN_SECONDS').value;
    expect(spec.template.spec.terminationGracePeriodSeconds).toBeGreaterThanOrEqual(Number(drain) + afterDrainSeconds);
  }
  for (const [, { environment, stop_grace_period }] of ours) {
    if (environment?.SEAL_DRAIN_SECONDS === undefined) continue;
    expect(parseInt(stop_grace_period, 10)).toBeGreaterThanOrEqual(Number(environment.SEAL_DRAIN_SECONDS) + afterDrainSeconds);
  }
});

test('nothing runs as root, and pods may not become more than they are', () => {
  const [, uid] = /^(\d+):\d+$/.exec(instructions.find(({ name, stage }) => name === 'USER' && stage === 'worker')?.text ?? '') ?? [];
  expect(Number(uid)).toBeGreaterThan(1000);
  for (const { spec } of pods) {
    const { securityContext, containers, automountServiceAccountToken } = spec.template.spec;
    expect(securityContext).toMatchObject({ runAsNonRoot: true, runAsUser: Number(uid) });
    expect(containers[0].securityContext).toEqual({ allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } });
    expect(automountServiceAccountToken).toBe(false);
  }
});

test('compose has no password of its own, and listens on loopback only', () => {
  const secret = /PASSWORD|SECRET|PWD|ACCESS_KEY|CODEC_KEYS/;
  const written = services.flatMap(([name, { environment = {} }]) =>
    Object.entries(environment as Record<string, string>)
      .filter(([variable, value]) => secret.test(variable) && !/^\$\{[A-Z0-9_]+:(\?.+|-)\}$/.test(value))
      .map(([variable]) => `${name} ${variable}`),
  );
  expect(written).toEqual([]);
  const ports = services.flatMap(([, { ports = [] }]) => ports as string[]);
  expect(ports.length).toBeGreaterThan(3);
  expect(ports.filter((port) => !port.startsWith('127.0.0.1:'))).toEqual([]);
});

test('what compose asks for is what make-env.sh gives, different each time', () => {
  const required = [...readFileSync(COMPOSE, 'utf8').matchAll(/\$\{([A-Z0-9_]+):\?/g)].map(([, name]) => name!);
  const make = (): Record<string, string> => {
    const { stdout, status } = spawnSync('sh', [join(INFRA, 'compose', 'make-env.sh')], { encoding: 'utf8' });
    expect(status).toBe(0);
    return Object.fromEntries(stdout.trim().split('\n').map((line) => line.split('=') as [string, string]));
  };
  const [first, second] = [make(), make()];
  expect(Object.keys(first)).toEqual(expect.arrayContaining(required));
  for (const name of new Set(required)) {
    expect(first[name]!.length).toBeGreaterThanOrEqual(20);
    expect(second[name]).not.toBe(first[name]);
  }
});

test('compose mounts files that there are, and waits for services that say when they are ready', () => {
  for (const [, { volumes = [], depends_on = {} }] of services) {
    for (const volume of volumes as string[]) {
      const [, source] = /^(?:\$\{[A-Z_]+:-)?(\.[^:}]*)/.exec(volume) ?? [];
      if (source !== undefined) expect([volume, existsSync(resolve(INFRA, 'compose', source))]).toEqual([volume, true]);
    }
    for (const [name, { condition }] of Object.entries(depends_on as Record<string, Document>)) {
      expect(Object.keys(compose.services)).toContain(name);
      if (condition === 'service_healthy') expect(compose.services[name].healthcheck).toBeDefined();
    }
  }
});

test('the server of compose schedules as the embedded one does', () => {
  const [settings] = readYaml(join(INFRA, 'compose', 'temporal-dynamic-config.yaml'));
  const asArguments = Object.entries(settings as Record<string, { value: unknown }[]>).map(([name, [only]]) => `${name}=${String(only!.value)}`);
  expect(asArguments.sort()).toEqual(SCHEDULING_ARGUMENTS.filter((argument) => argument !== '--dynamic-config-value').sort());
});

test('what an image copies is there and not ignored, what it starts is built', () => {
  const ignored = readFileSync(join(packageRoot(), '.dockerignore'), 'utf8').split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  const copied = instructions.filter(({ name, text }) => name === 'COPY' && !text.startsWith('--from=')).flatMap(({ text }) => text.split(' ').slice(0, -1));
  expect(copied.length).toBeGreaterThan(5);
  for (const source of copied) {
    expect([source, existsSync(join(packageRoot(), source))]).toEqual([source, true]);
    expect(ignored).not.toContain(source);
  }
  const programs = [
    ...instructions.filter(({ name }) => name === 'ENTRYPOINT').map(({ text }) => JSON.parse(text).at(-1)),
    ...ours.flatMap(([, { entrypoint }]) => (entrypoint === undefined ? [] : [entrypoint.at(-1)])),
    ...pods.flatMap(({ spec }) => spec.template.spec.containers[0].command?.at(-1) ?? []),
  ];
  expect(programs.length).toBeGreaterThan(3);
  for (const program of programs) expect([program, existsSync(join(packageRoot(), program))]).toEqual([program, true]);
});

/** Tools of others, where they are installed. */
function installed(program: string, ...args: string[]): boolean {
  return spawnSync(program, args, { stdio: 'ignore' }).status === 0;
}
const where = (has: boolean): typeof test => (has ? test : (test.skip));
const accepts = (program: string, args: string[], cwd?: string): void => {
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8', ...(cwd === undefined ? {} : { cwd }) });
  expect({ status, said: status === 0 ? '' : stdout + stderr }).toEqual({ status: 0, said: '' });
};

where(installed('hadolint', '--version'))('hadolint accepts the Dockerfile', () => accepts('hadolint', [DOCKERFILE]));

where(installed('docker', 'compose', 'version'))('docker compose accepts the compose file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'seal-compose-'));
  try {
    copyFileSync(COMPOSE, join(folder, 'compose.yaml'));
    writeFileSync(join(folder, '.env'), spawnSync('sh', [join(INFRA, 'compose', 'make-env.sh')], { encoding: 'utf8' }).stdout);
    accepts('docker', ['compose', '--profile', '*', 'config', '--quiet'], folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

where(installed('kubectl', 'kustomize', '--help')).each(OVERLAYS)('kubectl builds %s, all of it in its namespace and labelled', (overlay) => {
  const { status, stdout, stderr } = spawnSync('kubectl', ['kustomize', resolve(overlay, '..')], { encoding: 'utf8' });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  const folder = mkdtempSync(join(tmpdir(), 'seal-kustomize-'));
  try {
    const file = join(folder, 'built.yaml');
    writeFileSync(file, stdout);
    const built = readYaml(file);
    const [policy] = built.filter(({ kind }) => kind === 'NetworkPolicy');
    for (const { kind, metadata, spec } of built) {
      if (kind !== 'Namespace') expect([kind, metadata.name, metadata.namespace]).toEqual([kind, metadata.name, 'seal']);
      if (spec?.template !== undefined) expect(spec.template.metadata.labels).toMatchObject(policy.spec.podSelector.matchLabels);
    }
    if (installed('kubernetes-validate', '--version')) accepts('kubernetes-validate', ['--strict', '--no-warn', file]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

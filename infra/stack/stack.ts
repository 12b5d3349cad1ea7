import { existsSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { NAMESPACE } from '../../campaign/campaign';
import { ServerUnreachableError } from '../../campaign/errors';
import { environment } from '../../settings/environment';
import { hangLimit } from '../../settings/hang-limit';
import { sealHome } from '../../settings/home';
import { DEFAULT_BUCKET, namedBucket, namedS3Endpoint } from '../../settings/s3';
import { readStackFile, type StackFile, stackFiles } from '../../settings/stack-file';
import { ownTemporal } from '../../settings/temporal';
import {
  answers,
  EMBEDDED_REGION,
  embeddedCredentials,
  OBJECT_SERVER,
  startObjectServer,
} from './object-server';
import { OwnProcesses } from './own-process';
import { makePrivateDirectory } from './private-files';
import { withLock } from './process-lock';
import { serverBinary } from './server-binaries';
import { forgetServerState, SERVER_SUPERVISOR } from './server-state';
import { stackEnvironment, writeStackFile } from './stack-file';
import { stackStatus, type StackStatus } from './stack-status';
import { ensureNamespace } from './temporal-namespace';
import { embedded, frontendAnswers, startTemporalServer, TEMPORAL_SERVER } from './temporal-server';
import { ensureWorker, stopWorker } from './worker';
import { refuseUnwritable } from './writable-directory';

export interface StackOptions {
  /** Databases, objects, credentials, logs. @default $SEAL_HOME, else ./.seal */
  readonly home?: string;
  /** TEMPORAL_ADDRESS and S3_ENDPOINT in it name servers of the user's own, used instead. @default this process's environment */
  readonly env?: NodeJS.ProcessEnv;
  /** 0: any free port. `ui: null`: no web UI. @default 7233, 8233 and 7070 if free, else any */
  readonly ports?: { readonly temporal?: number; readonly ui?: number | null; readonly s3?: number };
  /** Whether a worker runs in the background too. @default true */
  readonly worker?: boolean;
  /** The worker's script. @default dist/workers/main.js */
  readonly workerScript?: string;
  /** Told what is done while it takes time. @default nobody */
  readonly say?: (line: string) => void;
}

/**
 * Starts what is not running yet: Temporal with its namespace and search attributes, S3, both supervised, and a supervised worker. They go
 * on when the caller ends. What runs already is used; two callers at once do not collide.
 * @throws ServerUnreachableError if a server of the user's own does not answer; Error if an embedded one does not start
 */
export async function startStack(options: StackOptions = {}): Promise<StackStatus> {
  const { env = environment(), say = () => undefined } = options;
  const home = resolve(options.home ?? sealHome(env));
  // What the supervisors could only end with is refused here.
  hangLimit(env);
  refuseUnwritable(`SEAL_HOME ${home}`, home);
  makePrivateDirectory(home);
  await withLock(
    join(home, 'stack.lock'),
    async () => {
      const context: StartContext = { ...options, home, env, say, processes: new OwnProcesses(home) };
      const before = readStackFile(home);
      await refuseSilentObjectServer(namedS3Endpoint(env), before);
      const temporal = await ensureTemporal(context, before);
      await ensureNamespace(ownTemporal(env, before) ?? { ...embedded(temporal.address), namespace: temporal.namespace });
      const s3 = await ensureObjectServer(context, before);
      const stack: StackFile = { temporal, s3 };
      writeStackFile(home, stack);
      await superviseServers(context, stack);
      if (options.worker ?? true) await startWorker(context, stack);
    },
    () => say(`waiting for another process that is changing ${home}`),
  );
  return stackStatus({ home, env });
}

/**
 * Stops the worker and the embedded servers of this home, and nothing else. State stays.
 * @returns what was running, in words
 */
export async function stopStack(options: Pick<StackOptions, 'home' | 'env' | 'say'> = {}): Promise<string[]> {
  const home = resolve(options.home ?? sealHome(options.env));
  const processes = new OwnProcesses(home);
  const stopped: string[] = [];
  if (!existsSync(home)) return stopped;
  refuseUnwritable(`SEAL_HOME ${home}`, home);
  await withLock(join(home, 'stack.lock'), async () => {
    if (await stopWorker(processes)) stopped.push('worker');
    // First, or it would start again what is stopped.
    await processes.stop(SERVER_SUPERVISOR);
    forgetServerState(home);
    if (await processes.stop(TEMPORAL_SERVER)) stopped.push('Temporal');
    if (await processes.stop(OBJECT_SERVER)) stopped.push('S3');
    rmSync(join(home, stackFiles.stack), { force: true });
  });
  return stopped;
}

interface StartContext extends StackOptions {
  readonly home: string;
  readonly env: NodeJS.ProcessEnv;
  readonly say: (line: string) => void;
  readonly processes: OwnProcesses;
}

async function ensureTemporal(context: StartContext, before: StackFile | null): Promise<StackFile['temporal']> {
  const { home, env, say, processes, ports } = context;
  const own = ownTemporal(env, before);
  if (own !== null) return { address: own.address, namespace: own.namespace, uiUrl: null, embedded: false };
  const running = processes.runningHere(TEMPORAL_SERVER)?.purpose;
  if (running !== undefined && running === before?.temporal.address && (await frontendAnswers(embedded(running)))) {
    return before.temporal;
  }
  await processes.stop(TEMPORAL_SERVER);
  const binary = await serverBinary('temporal', say);
  say('starting Temporal (a few seconds)');
  const server = await startTemporalServer({
    ...{ home, binary, processes },
    ...(ports?.temporal === undefined ? {} : { port: ports.temporal }),
    ...(ports?.ui === undefined ? {} : { uiPort: ports.ui }),
  });
  return { ...server, namespace: NAMESPACE, embedded: true };
}

function isOfTheUser(endpoint: string | null, before: StackFile | null): endpoint is string {
  if (endpoint === null) return false;
  return before === null || before.s3.credentialsFile === null || endpoint !== before.s3.endpoint;
}

/** Asked first, so that nothing has been started if it does not answer. @throws ServerUnreachableError */
async function refuseSilentObjectServer(own: string | null, before: StackFile | null): Promise<void> {
  if (!isOfTheUser(own, before) || (await answers(own))) return;
  throw new ServerUnreachableError(`the S3 server at ${own} does not answer; start it, or unset S3_ENDPOINT to use the embedded one`);
}

async function ensureObjectServer(context: StartContext, before: StackFile | null): Promise<StackFile['s3']> {
  const { home, env, say, processes, ports } = context;
  const own = namedS3Endpoint(env);
  if (isOfTheUser(own, before)) {
    const { bucket, region } = namedBucket(env);
    return { endpoint: own, bucket: bucket ?? DEFAULT_BUCKET, region: region ?? EMBEDDED_REGION, credentialsFile: null };
  }
  const embedded = { bucket: DEFAULT_BUCKET, region: EMBEDDED_REGION, credentialsFile: join(home, stackFiles.credentials) };
  const running = processes.runningHere(OBJECT_SERVER)?.purpose;
  if (running !== undefined && running === before?.s3.endpoint && (await answers(running))) return before.s3;
  await processes.stop(OBJECT_SERVER);
  const binary = await serverBinary('versitygw', say);
  await embeddedCredentials(home);
  const port = ports?.s3 === undefined ? {} : { port: ports.s3 };
  return { ...embedded, endpoint: await startObjectServer({ home, binary, processes, ...port }) };
}

/** Sees to it that embedded servers which end or hang are started again; what is the user's own is for the user to look after. */
async function superviseServers({ home, env, processes }: StartContext, { temporal, s3 }: StackFile): Promise<void> {
  if (!temporal.embedded && s3.credentialsFile === null) return;
  const script = join(__dirname, 'server-supervisor.js');
  const purpose = JSON.stringify({ script, hang: hangLimit(env) });
  if (processes.runningHere(SERVER_SUPERVISOR)?.purpose === purpose) return;
  await processes.stop(SERVER_SUPERVISOR);
  processes.launch({ name: SERVER_SUPERVISOR, command: process.execPath, args: ['--enable-source-maps', script, home], env, purpose });
}

async function startWorker({ home, env, processes, workerScript, say }: StartContext, stack: StackFile): Promise<void> {
  const started = await ensureWorker({
    ...{ home, env, processes, servers: stackEnvironment(home, stack) },
    ...(workerScript === undefined ? {} : { script: workerScript }),
  });
  if (started) say('started a worker in the background');
}

import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { packageRoot } from '../../infra/stack/package-root';
import { startStack, stopStack } from '../../infra/stack/stack';
import type { StackStatus } from '../../infra/stack/stack-status';
import { writeTinyModel } from '../workflows/tiny-model';

const CAMPAIGN = `name: refused
seed: 3
model: model
epochs: 1
contexts: { train: { path: contexts.json, take: 1 }, heldOut: { path: contexts.json, skip: 1 } }
proposals: { k: 1, source: recorded }
innerLoop: { rank: 2, alpha: 4, trainEpochs: 1, repeats: 1 }
`;
const CONTEXT = { title: 'cat', context: 'the cat sat', questions: [{ question: 'who sat', answer: 'cat' }], completions: ['a cat sat'] };

/** Real servers without a worker, and a campaign that could run on them: what is refused leaves nothing here. */
export class RefusingStack {
  private constructor(
    /** Of the test file: nothing of the servers lies in it directly. */
    readonly directory: string,
    readonly status: StackStatus,
  ) {}

  /** @param env nothing in it names a server */
  static async start(name: string, env: NodeJS.ProcessEnv): Promise<RefusingStack> {
    const directory = mkdtempSync(join(tmpdir(), `seal-${name}-`));
    const status = await startStack({ home: join(directory, 'server'), env, ports: { temporal: 0, ui: null, s3: 0 }, worker: false });
    writeTinyModel(join(directory, 'model'), 5);
    writeFileSync(join(directory, 'contexts.json'), JSON.stringify([CONTEXT, { ...CONTEXT, title: 'dog' }]));
    writeFileSync(join(directory, 'campaign.yaml'), CAMPAIGN);
    return new RefusingStack(directory, status);
  }

  get home(): string {
    return this.status.home;
  }

  get campaign(): string {
    return join(this.directory, 'campaign.yaml');
  }

  /** Artifacts, as files below the store's directory. */
  artifacts(): string[] {
    return readdirSync(join(this.home, 'objects'), { recursive: true, encoding: 'utf8' }).filter((name) => name.includes('sha256/'));
  }

  async stop(): Promise<void> {
    await stopStack({ home: this.home });
    rmSync(this.directory, { recursive: true, force: true });
  }
}

export interface LogLine {
  readonly level: string;
  readonly message: string;
}

export interface RunningWorker {
  readonly said: readonly LogLine[];
  /** All that it said. One that goes on for a minute has not refused, and is killed. */
  readonly ended: Promise<{ readonly exitCode: number | null; readonly said: readonly LogLine[] }>;
  stop(signal: 'SIGTERM' | 'SIGKILL'): void;
}

const LIMIT_MS = 60_000;

/** The worker's program, in an environment of which it takes nothing else. */
export function runWorker(env: NodeJS.ProcessEnv, args: readonly string[] = []): RunningWorker {
  const child = spawn(process.execPath, [join(packageRoot(), 'dist', 'workers', 'main.js'), ...args], { env, stdio: ['ignore', 'ignore', 'pipe'] });
  const said: LogLine[] = [];
  createInterface({ input: child.stderr }).on('line', (line) => said.push(JSON.parse(line) as LogLine));
  const limit = setTimeout(() => child.kill('SIGKILL'), LIMIT_MS);
  const ended = new Promise<{ exitCode: number | null; said: LogLine[] }>((resolve) =>
    child.once('close', (exitCode) => {
      clearTimeout(limit);
      resolve({ exitCode, said });
    }),
  );
  return { said, ended, stop: (signal) => void child.kill(signal) };
}

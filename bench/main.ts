import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { startComputeProcess, type ComputeProcess } from '../engine/runtime/compute-client';
import { LORA, STEP_SHAPES, measureStep, median, timeOurStep, type Measured, type StepShape } from './lora-step';
import { nanoContexts, timeSelfEdits } from './nano-self-edit';
import { Peer, findPeerPython, type PeerSettings } from './peer';
import { writeRandomLlama } from './random-llama';

const SEED = 1;
const REPEATS = 5;
/** This file runs from `dist/bench`. */
const REPOSITORY = join(__dirname, '../..');
const say = (line: string): void => void process.stderr.write(`bench: ${line}\n`);
const print = (line: string): void => void process.stdout.write(`${line}\n`);

/** Prints the rows of the speed table; `docs/bench.md` says what they are. */
async function main(): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'seal-bench-'));
  const threads = Number(process.env['SEAL_BENCH_THREADS'] ?? availableParallelism());
  const languageModel = startComputeProcess({ threads });
  try {
    const processor = cpus()[0]?.model.trim() ?? 'unknown processor';
    print(`${processor}, ${threads} threads, Node ${process.version}, seed ${SEED}, ${REPEATS} repeats in turns, medians; load ${loadavg()[0]?.toFixed(1)} before`);
    await benchLoraStep(languageModel, directory, threads);
    await benchNanoSelfEdit(languageModel, directory);
  } finally {
    await languageModel.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

async function benchLoraStep(languageModel: ComputeProcess, directory: string, threads: number): Promise<void> {
  const model = join(directory, 'random-llama');
  writeRandomLlama(model, SEED);
  const { parameters } = await languageModel.describe(model);
  const peer = await startPeer({ model, threads, seed: SEED, ...LORA });
  print(`\nLoRA step, ${(parameters / 1e6).toFixed(2)} million parameters, fp32, rank ${LORA.rank}, all seven projections; peer: ${peer === undefined ? 'none' : `${peer.versions}, eager, PEFT`}`);
  print(row('batch x length', 'ours', 'peer', 'ratio', 'memory ours', 'memory peer'));
  try {
    for (const shape of STEP_SHAPES) {
      const measured = await measureStep(REPEATS, shape, (steps) => timeOurStep(languageModel, model, directory, shape, steps), peer?.peer);
      print(stepRow(shape, measured));
    }
  } finally {
    await peer?.peer.close();
  }
}

async function startPeer(settings: PeerSettings): Promise<{ peer: Peer; versions: string } | undefined> {
  const found = findPeerPython(REPOSITORY, say);
  if ('missing' in found) {
    say(`no peer to compare with: ${found.missing}`);
    return undefined;
  }
  return Peer.start(found.python, join(REPOSITORY, 'bench/peer.py'), settings);
}

function stepRow({ batch, length }: StepShape, { ours, peer }: Measured): string {
  const milliseconds = (timings: Measured['ours']): number => 1000 * median(timings.map(({ secondsPerStep }) => secondsPerStep));
  const memory = (timings: Measured['ours']): string => `${Math.round(Math.max(...timings.map(({ peakBytes }) => peakBytes)) / 1e6)} MB`;
  const compared = peer.length > 0;
  return row(
    `${batch} x ${length}`,
    `${milliseconds(ours).toFixed(1)} ms`,
    compared ? `${milliseconds(peer).toFixed(1)} ms` : 'not run',
    compared ? `${(milliseconds(peer) / milliseconds(ours)).toFixed(2)}x` : '-',
    memory(ours),
    compared ? memory(peer) : '-',
  );
}

async function benchNanoSelfEdit(languageModel: ComputeProcess, directory: string): Promise<void> {
  const nano = join(REPOSITORY, 'examples/nano');
  const model = join(nano, 'model');
  if (!existsSync(join(model, 'model.safetensors'))) {
    say(`no nano model in ${join('examples', 'nano', 'model')}: its row is left out`);
    return;
  }
  print('\nNano self-edit: 9 rows x 10 train epochs, batch 1, rank 32, then its questions (greedy, 16 tokens at most)');
  print(row('self-edits stacked', 'each', 'fine-tuning', 'questions', 'steps', ''));
  for (const stacked of [1, 8]) {
    const contexts = nanoContexts(nano, stacked);
    await timeSelfEdits(languageModel, model, directory, contexts);
    const timings = [];
    for (let repeat = 0; repeat < 3; repeat += 1) timings.push(await timeSelfEdits(languageModel, model, directory, contexts));
    const fineTune = median(timings.map(({ fineTuneSeconds }) => fineTuneSeconds));
    const questions = median(timings.map(({ questionsSeconds }) => questionsSeconds));
    const each = `${((fineTune + questions) / stacked).toFixed(2)} s`;
    print(row(String(stacked), each, `${fineTune.toFixed(2)} s`, `${questions.toFixed(2)} s for ${timings[0]?.questions}`, String(timings[0]?.steps), ''));
  }
}

function row(...cells: readonly string[]): string {
  const [first = '', ...rest] = cells;
  return `${first.padEnd(20)}${rest.map((cell) => cell.padStart(16)).join('')}`;
}

main().catch((error: unknown) => {
  process.stderr.write(`bench: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});

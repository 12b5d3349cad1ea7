import { initialiseLora, loraLayout } from '../../../../engine/model/lora/lora';
import { LoadedModel } from '../../../../engine/model/loaded-model';
import { DeviceStack, openDeviceStep } from '../../../../engine/model/training/device-stack';
import { HostStack } from '../../../../engine/model/training/host-stack';
import { randomStream } from '../../../../engine/model/random';
import { floats } from '../../../../engine/model/tensors';
import { placedInStack, scalesInStack, stackedLayout } from '../../../../engine/model/lora/stacked-layout';
import type { AdapterState, AdapterStep, StartStack, StepResult, TrainingStack } from '../../../../engine/model/training/training-stack';

// Takes the same steps on the host's stack and on a device's, whose graphs run on the CPU here: outside Jest, whose realm has typed
// arrays that onnxruntime-node does not take for its own. Arguments: a model directory, and in how many parts a step is computed.

export interface Trained {
  readonly results: readonly StepResult[];
  readonly parameters: readonly (readonly number[])[];
}

const STEPS = 3;
const ADAPTERS = [0, 1];
const RANKS = [3, 2];

/** @param restarts after each step another stack goes on from copies of what the one before had come to */
async function train(start: StartStack, initial: Parameters<StartStack>[0], accumulation: number, scales: readonly Float32Array[], restarts: boolean): Promise<Trained> {
  const results: StepResult[] = [];
  let stack: TrainingStack = start(initial);
  for (let t = 1; t <= STEPS; t += 1) {
    results.push(await stack.step(ADAPTERS.map((job) => adapterStep(job, t, accumulation, scales[job] as Float32Array))));
    if (!restarts) continue;
    await stack.settle();
    const states = ADAPTERS.map((job) => copyOf((stack).stateOf(job)));
    stack.release();
    stack = start(states);
  }
  await stack.settle();
  const kept = stack.keep([1]);
  const parameters = [stack.parametersOf(0), kept.parametersOf(1)].map((vector) => [...vector]);
  stack.release();
  return { results, parameters };
}

function copyOf({ parameters, firstMoment, secondMoment }: AdapterState): AdapterState {
  return { parameters: parameters.slice(), firstMoment: firstMoment.slice(), secondMoment: secondMoment.slice() };
}

function adapterStep(job: number, t: number, accumulation: number, scales: Float32Array): AdapterStep {
  const random = randomStream(10 * job + t);
  const rows = [5, 7, 4].map((length) => ({ ids: Array.from({ length }, () => Math.floor(30 * random())), lossFrom: 1 }));
  const optimiser = {
    trainEpochs: 1, learningRate: 1e-2, batch: 3, accumulation, schedule: 'constant', warmupSteps: 0, shuffle: false, clipNorm: job === 0 ? 1 : 0.01, weightDecay: 0.1,
  } as const;
  return { job, t, seed: job, optimiser, rows, learningRate: 1e-2 / t, scales, dropout: 0 };
}

export interface TrainedStacks {
  readonly host: Trained;
  readonly device: Trained;
  readonly hostRestarted: Trained;
  readonly deviceRestarted: Trained;
}

async function main(directory: string, accumulation: number): Promise<TrainedStacks> {
  const model = LoadedModel.open(directory, { threads: 1 });
  const own = RANKS.map((rank) => loraLayout(model.config, { rank, alpha: 6, targets: 'all-linear' }));
  const layout = stackedLayout(model.config, own);
  const initial = own.map((ofJob, job) => ({ parameters: placedInStack(initialiseLora(ofJob, randomStream(job)), ofJob, layout) }));
  const scales = own.map((ofJob) => scalesInStack(ofJob, layout));
  const session = await model.gradientSession(layout, {});
  const host: StartStack = (states) => new HostStack(session, layout, states, accumulation > 1);
  const step = await openDeviceStep(model, layout, {}, accumulation > 1);
  const device: StartStack = (states) => DeviceStack.start(step, async (tensor) => floats(tensor), states);
  const trained = {
    host: await train(host, initial, accumulation, scales, false),
    device: await train(device, initial, accumulation, scales, false),
    hostRestarted: await train(host, initial, accumulation, scales, true),
    deviceRestarted: await train(device, initial, accumulation, scales, true),
  };
  await model.close();
  return trained;
}

main(process.argv[2] as string, Number(process.argv[3])).then(
  (trained) => process.stdout.write(JSON.stringify(trained)),
  (error: unknown) => {
    process.stderr.write(String(error));
    process.exitCode = 1;
  },
);

import type { FineTuneRequest } from '../../../campaign/language-model';
import type { LoadedModel } from '../loaded-model';
import type { LoraLayout } from '../lora/lora';
import { DeviceStack, openDeviceStep } from './device-stack';
import { HostStack } from './host-stack';
import type { StartStack } from './training-stack';

/** Opens the graphs that the request's jobs need. A device that keeps results keeps the optimiser too; else the host updates the adapters. */
export async function openTraining(
  model: LoadedModel,
  layout: LoraLayout,
  { jobs, lora, gradientCheckpointing = false, compute }: Pick<FineTuneRequest, 'jobs' | 'lora' | 'gradientCheckpointing' | 'compute'>,
): Promise<StartStack> {
  const options = { gradientCheckpointing, dropout: lora.dropout ?? 0, basePrecision: compute?.basePrecision ?? 'float32' };
  const inParts = jobs.some(({ optimiser: { accumulation = 1 } }) => accumulation > 1);
  const readBack = await model.readBack(compute);
  if (readBack === undefined) {
    const session = await model.gradientSession(layout, options, compute);
    return (states) => new HostStack(session, layout, states, inParts);
  }
  const takeStep = await openDeviceStep(model, layout, options, inParts, compute);
  return (states) => DeviceStack.start(takeStep, readBack, states);
}

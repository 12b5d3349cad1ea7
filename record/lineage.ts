import { z } from 'zod';
import type { Manifest } from '../campaign/artifacts';
import type { Machine } from '../campaign/machine';

const machineSchema = z.object({ instructionSet: z.string(), cores: z.number(), threads: z.number().nullable(), onnxruntime: z.string() });
const codeSchema = z.object({ codeVersion: z.string() });

/** What a lineage says of where a result was computed, and by which code where that is not the campaign's own; undefined where it says nothing. */
export function computedWhere({ lineage: { settings } }: Manifest): { readonly machine: Machine | undefined; readonly codeVersion: string | undefined } {
  const { compute } = settings;
  return { machine: machineSchema.safeParse(compute).data, codeVersion: codeSchema.safeParse(compute).data?.codeVersion };
}

/** In how many parts something was computed, so that less was in memory at once, as a lineage's settings say it. */
export function memoryPartsOf(settings: Readonly<Record<string, unknown>>): number {
  const { memoryParts = 1 } = settings;
  return Number(memoryParts);
}

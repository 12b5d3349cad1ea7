import { PROJECTIONS } from '../../../campaign/language-model';
import { type ModelConfig, projectionShape } from '../../files/model-config';
import type { TensorToWrite } from '../../files/safetensors';
import { Reshape, Split } from '../../graph/ops/shape';
import type { Tensor } from '../../graph/tensor';
import type { Weights } from '../architecture/base-weights';
import { EMBEDDING, FINAL_NORM, inputNormName, postAttentionNormName, projectionName } from '../architecture/parameters';
import { gaussian } from '../random';

const EMBEDDING_DEVIATION = 0.02;

/** Weights of one kind, stacked over layers and trained as one tensor. */
export interface StackedParameter {
  readonly name: string;
  readonly shape: readonly number[];
  /** Hidden matrices are trained by Muon, the rest by AdamW. */
  readonly optimiser: 'muon' | 'adamw';
  /** Checkpoint names of the slices along the first axis; one name alone is the whole tensor. */
  readonly checkpointNames: readonly string[];
}

/** Every parameter of a tied Llama: seven stacks of projections, the embedding, all norms. */
export function stackedParameters(config: ModelConfig): StackedParameter[] {
  const layers = [...Array(config.layers).keys()];
  const norms = [...layers.flatMap((layer) => [inputNormName(layer), postAttentionNormName(layer)]), FINAL_NORM];
  return [
    ...PROJECTIONS.map((projection): StackedParameter => ({
      name: projection,
      shape: [config.layers, ...projectionShape(config, projection)],
      optimiser: 'muon',
      checkpointNames: layers.map((layer) => projectionName(layer, projection)),
    })),
    { name: 'embedding', shape: [config.vocabularySize, config.width], optimiser: 'adamw', checkpointNames: [EMBEDDING] },
    { name: 'norms', shape: [norms.length, config.width], optimiser: 'adamw', checkpointNames: norms },
  ];
}

/**
 * Initial values: norms 1; the embedding normal with deviation 0.02; matrices normal with deviation 1/sqrt(in), but zero where they write
 * to the residual stream, so that every block starts as the identity.
 */
export function initialValues({ name, shape }: StackedParameter, random: () => number): Float32Array {
  const size = shape.reduce((a, b) => a * b, 1);
  if (name === 'norms') return new Float32Array(size).fill(1);
  if (name === 'o_proj' || name === 'down_proj') return new Float32Array(size);
  const deviation = name === 'embedding' ? EMBEDDING_DEVIATION : 1 / Math.sqrt(shape.at(-1) as number);
  return Float32Array.from({ length: size }, () => deviation * gaussian(random));
}

/** Looks up a layer's weight in the stacks. */
export function stackedWeights(parameters: readonly StackedParameter[], tensors: readonly Tensor[]): Weights {
  const byName = new Map<string, Tensor>();
  parameters.forEach(({ checkpointNames, shape }, i) => {
    const tensor = tensors[i] as Tensor;
    const slices = checkpointNames.length === 1 ? [tensor] : Split(tensor, checkpointNames.map(() => 1), 0);
    checkpointNames.forEach((name, k) => {
      byName.set(name, checkpointNames.length === 1 ? tensor : Reshape(slices[k] as Tensor, shape.slice(1)));
    });
  });
  return (name) => {
    const weight = byName.get(name);
    if (weight === undefined) throw new Error(`no parameter ${name}`);
    return weight;
  };
}

/** The stacks as the tensors of a Hugging Face checkpoint. */
export function checkpointTensors(parameters: readonly StackedParameter[], values: ReadonlyMap<string, Float32Array>): TensorToWrite[] {
  return parameters.flatMap(({ name, shape, checkpointNames }) => {
    const data = values.get(name) as Float32Array;
    const single = checkpointNames.length === 1;
    const size = data.length / checkpointNames.length;
    return checkpointNames.map((checkpointName, k): TensorToWrite => ({
      name: checkpointName,
      dtype: 'F32',
      shape: single ? shape : shape.slice(1),
      data: data.subarray(k * size, (k + 1) * size),
    }));
  });
}

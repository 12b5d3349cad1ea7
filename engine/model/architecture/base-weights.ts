import type { ModelDirectory } from '../../files/model-directory';
import { resolveWeightFiles } from '../../files/weight-files';
import type { Graph } from '../../graph/graph';
import { Cast } from '../../graph/ops/elementwise';
import type { DType, Tensor } from '../../graph/tensor';

/**
 * Gives a graph the model's weights by their checkpoint names.
 *
 * @param rowLength reads the same elements as rows of this length instead of the weight's own shape
 */
export type Weights = (name: string, rowLength?: number) => Tensor;

const DTYPES: Readonly<Record<string, DType>> = { F32: 'float32', F16: 'float16', BF16: 'bfloat16' };

/** Bytes of a model's weights in float32 from which they are held once: a second layout of them would decide what fits a machine. */
const HELD_ONCE_FROM_BYTES = 2 ** 29;

/**
 * A small model's weights are laid out anew for each matrix product, which makes a step about a tenth faster; a large one's are read as
 * they lie, which halves its memory.
 */
export function heldOnce(model: ModelDirectory): boolean {
  const elements = [...model.tensors.values()].reduce((sum, { shape }) => sum + shape.reduce((product, size) => product * size, 1), 0);
  return elements * Float32Array.BYTES_PER_ELEMENT >= HELD_ONCE_FROM_BYTES;
}

/**
 * Frozen weights read by ONNX Runtime straight from the safetensors file, cast to float32 when the session opens. Each is added
 * to the graph when first asked for.
 *
 * @returns weights, and the folder that the session resolves their files in
 */
export function baseWeights(graph: Graph, model: ModelDirectory): { readonly weights: Weights; readonly folder: string } {
  const known = new Map<string, Tensor>();
  const files = resolveWeightFiles([...model.tensors.values()].map(({ file }) => file));
  const weights = (name: string, rowLength?: number): Tensor => {
    const view = rowLength === undefined ? name : `${name} in rows of ${rowLength}`;
    const cached = known.get(view);
    if (cached !== undefined) return cached;
    const entry = model.tensors.get(name);
    if (entry === undefined) throw new Error(`${model.directory}: no tensor ${name}`);
    const dtype = DTYPES[entry.dtype];
    if (dtype === undefined) throw new Error(`${entry.file}: tensor ${name} is ${entry.dtype}`);
    const { byteOffset, byteLength } = entry;
    const elements = entry.shape.reduce((product, size) => product * size, 1);
    const shape = rowLength === undefined ? entry.shape : [elements / rowLength, rowLength];
    const stored = graph.weight(view, dtype, shape, { file: files.nameOf(entry.file), byteOffset, byteLength });
    const weight = Cast(stored, 'float32');
    known.set(view, weight);
    return weight;
  };
  return { weights, folder: files.folder };
}

/**
 * Which operators of our graphs have a kernel on which device, for ONNX Runtime 1.30 and opset 23. An operator without one runs on the
 * CPU, its inputs copied there and its results back.
 *
 * Source of `cuda`: docs/OperatorKernels.md of ONNX Runtime. Source of `webgpu`: traces of onnxruntime-node 1.30 with that provider,
 * where a graph of this kind was run; else the provider's list of kernels.
 */
export interface KernelCoverage {
  readonly cuda: Placement;
  readonly webgpu: Placement;
}

/**
 * `device`: has a kernel. `shapes`: whole numbers of shapes and positions, which ONNX Runtime keeps on the CPU by itself. `folded`:
 * computed once, when the session opens. `cpu`: falls back, at the price of a copy.
 */
export type Placement = 'device' | 'shapes' | 'folded' | 'cpu';

const BOTH: KernelCoverage = { cuda: 'device', webgpu: 'device' };
const SHAPES: KernelCoverage = { cuda: 'shapes', webgpu: 'shapes' };
const FOLDED: KernelCoverage = { cuda: 'folded', webgpu: 'folded' };
/** Whole numbers that mask or place tokens: WebGPU's shaders have no 64-bit integers. */
const INTEGERS: KernelCoverage = { cuda: 'device', webgpu: 'cpu' };
const NEITHER: KernelCoverage = { cuda: 'cpu', webgpu: 'cpu' };

/** By operator and type of its first input. */
export const KERNEL_COVERAGE: Readonly<Record<string, KernelCoverage>> = {
  'Add float32': BOTH,
  'Add int64': SHAPES,
  'And bool': BOTH,
  'ArgMax float32': BOTH,
  // Dropout's hash: neither has bitwise operators.
  'BitShift uint32': NEITHER,
  'BitwiseXor uint32': NEITHER,
  'Mul uint32': BOTH,
  'Reshape uint32': BOTH,
  'GreaterOrEqual uint32': BOTH,
  // Weights are rounded to blocks of 8 or 4 bits.
  'BitShift uint8': FOLDED,
  'BitwiseOr uint8': FOLDED,
  'Min uint8': FOLDED,
  'Split uint8': FOLDED,
  'Reshape uint8': FOLDED,
  'Cast float32': FOLDED,
  'Equal float32': FOLDED,
  'LessOrEqual float32': FOLDED,
  'QuantizeLinear float32': FOLDED,
  'ReduceMax float32': FOLDED,
  'ReduceMin float32': FOLDED,
  'com.microsoft.MatMulNBits float32': BOTH,
  // The int8 base of fine-tuning is for the CPU.
  'com.microsoft.MatMulIntegerToFloat uint8': NEITHER,
  // Stored weights become float32.
  'Cast bfloat16': FOLDED,
  'Cast float16': FOLDED,
  // Pretraining's document masks.
  'Cast bool': BOTH,
  'Cast int64': INTEGERS,
  'Concat float32': BOTH,
  'Concat int64': SHAPES,
  // Tables of rotary angles, [T, D/2] of a run.
  'Cos float32': { cuda: 'device', webgpu: 'cpu' },
  'Sin float32': { cuda: 'device', webgpu: 'cpu' },
  'Div float32': BOTH,
  'Equal int64': INTEGERS,
  'Exp float32': BOTH,
  'Expand float32': BOTH,
  'Gather float32': BOTH,
  'GatherElements float32': BOTH,
  // Weights that are held once (engine/model/architecture/base-weights.ts).
  'Gemm float32': BOTH,
  'Identity float32': BOTH,
  'LessOrEqual int64': INTEGERS,
  'Log float32': BOTH,
  // Spelled out for WebGPU (engine/runtime/webgpu-graph.ts).
  'LogSoftmax float32': BOTH,
  'MatMul float32': BOTH,
  'Max float32': BOTH,
  'Min float32': BOTH,
  'Mul float32': BOTH,
  'Mul int64': SHAPES,
  'Neg float32': BOTH,
  'RMSNormalization float32': BOTH,
  'Range int64': SHAPES,
  'Reciprocal float32': BOTH,
  'ReduceMean float32': BOTH,
  'ReduceSum float32': BOTH,
  'ReduceSumSquare float32': BOTH,
  'Reshape float32': BOTH,
  'Reshape int64': INTEGERS,
  'RotaryEmbedding float32': BOTH,
  'Shape float32': SHAPES,
  'Shape int64': SHAPES,
  'Sigmoid float32': BOTH,
  'Softmax float32': BOTH,
  // Into many pieces: in steps for WebGPU (engine/runtime/webgpu-graph.ts).
  'Split float32': BOTH,
  'Sqrt float32': BOTH,
  'Sub float32': BOTH,
  'Transpose float32': BOTH,
  'Where bool': BOTH,
};

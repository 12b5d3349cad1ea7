/** What of a machine can decide the last bits of a result, beside the versions of the code. */
export interface Machine {
  /** Vector instruction sets of the processor, the widest first; the architecture where they are not known. */
  readonly instructionSet: string;
  readonly cores: number;
  /** Of one operator; null: ONNX Runtime's choice, one a physical core. */
  readonly threads: number | null;
  /** Version of ONNX Runtime. */
  readonly onnxruntime: string;
}

/** Those whose kernels differ, as Linux names them, the widest first. */
export const INSTRUCTION_SETS = ['amx_tile', 'avx512_bf16', 'avx512_vnni', 'avx512f', 'avx2', 'avx'] as const;

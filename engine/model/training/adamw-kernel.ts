/** `adamw.wat`, assembled; a test holds the two together. */
const MODULE =
  'AGFzbQEAAAABHANgDH9/f39/fX19fX19fQBgAn9/AXxgA39/fwADBAMAAQIFBgEBAYCABAcvBAZtZW1vcnkCAAZ1cGRhdGUAAAxzdW1PZlNxdWFyZXMAAQphY2N1bXVs' +
  'YXRlAAIK9gIDvAECAX8DeyAAIARBAnRqIQwCQANAIAAgDE8NASAD/QAEACENIAX9EyAB/QAEAP3mASAG/RMgDf3mAf3kASEOIAf9EyAC/QAEAP3mASAI/RMgDSAN/eYB' +
  '/eYB/eQBIQ8gASAO/QsEACACIA/9CwQAIAAgC/0TIAD9AAQA/eYBIAn9EyAOIA/94wEgCv0T/eQB/ecB/eYB/eUB/QsEACAAQRBqIQAgAUEQaiEBIAJBEGohAiADQRBq' +
  'IQMMAAsLC3UCAX8DeyAAIAFBAnRqIQICQANAIAAgAk8NASAA/QAEACEDIAMgA/3mASEDIAQgA/1f/fABIQQgBSADIAP9DQgJCgsMDQ4PAAECAwQFBgf9X/3wASEFIABB' +
  'EGohAAwACwsgBCAF/fABIQQgBP0hACAE/SEBoAtAAQF/IAAgAkECdGohAwJAA0AgACADTw0BIAAgAP0ABAAgAf0ABAD95AH9CwQAIABBEGohACABQRBqIQEMAAsLCw==';

/** Assembled bytes of `adamw.wat`. */
export function kernelModule(): Uint8Array {
  return Buffer.from(MODULE, 'base64');
}

/** What is used of a global that neither TypeScript's ES libraries nor Node's types declare. */
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: unknown };
};

interface KernelExports {
  readonly memory: { readonly buffer: ArrayBuffer; grow(pages: number): number };
  readonly update: (
    p: number, m: number, v: number, g: number, count: number,
    beta1: number, firstFactor: number, beta2: number, secondFactor: number, stepSize: number, epsilon: number, decay: number,
  ) => void;
  readonly sumOfSquares: (g: number, count: number) => number;
  readonly accumulate: (sum: number, part: number, count: number) => void;
}

/** Places in the kernel's memory, in float32 elements. */
export interface UpdatePlaces {
  readonly parameters: number;
  readonly firstMoment: number;
  readonly secondMoment: number;
  readonly gradient: number;
}

/** p = decay p - stepSize m / (sqrt(v) + epsilon), where m = beta1 m + firstFactor g and v = beta2 v + secondFactor g^2. */
export interface UpdateScalars {
  readonly beta1: number;
  readonly firstFactor: number;
  readonly beta2: number;
  readonly secondFactor: number;
  readonly stepSize: number;
  readonly epsilon: number;
  readonly decay: number;
}

const PAGE_BYTES = 65_536;
const FLOAT_BYTES = 4;
/** Elements of a vector register. */
const LANES = 4;
/** WebAssembly's addresses have 32 bits. */
const MOST_BYTES = 2 ** 32;

/**
 * float32 arrays and what AdamW does with them: one pass over memory for an update, in WebAssembly's vectors of four, whose results are
 * the same on every machine.
 */
export class AdamWKernel {
  private readonly exports: KernelExports;
  /** Of four groups of LANES elements, for what is left of an array whose length they do not divide. */
  private readonly scratch: number;

  /**
   * @param length float32 elements that callers lay out themselves, from 0
   * @throws RangeError beyond the 4 GB that WebAssembly addresses
   */
  constructor(length: number) {
    this.scratch = Math.ceil(length / LANES) * LANES;
    const bytes = (this.scratch + 4 * LANES) * FLOAT_BYTES;
    if (bytes > MOST_BYTES) throw new RangeError(`optimiser state of ${length} numbers: expected at most ${MOST_BYTES / FLOAT_BYTES}`);
    this.exports = new WebAssembly.Instance(new WebAssembly.Module(kernelModule())).exports as KernelExports;
    const missing = Math.ceil(bytes / PAGE_BYTES) - this.exports.memory.buffer.byteLength / PAGE_BYTES;
    if (missing > 0) this.exports.memory.grow(missing);
  }

  /** The elements themselves, not a copy. */
  view(start: number, length: number): Float32Array {
    return new Float32Array(this.exports.memory.buffer, start * FLOAT_BYTES, length);
  }

  /** Sum of squares, added up in float64. */
  sumOfSquares(start: number, length: number): number {
    const whole = length - (length % LANES);
    const rest = this.view(start + whole, length - whole).reduce((sum, value) => sum + Math.fround(value * value), 0);
    return this.exports.sumOfSquares(start * FLOAT_BYTES, whole) + rest;
  }

  /** Adds `length` elements of one array to another's; both have room for a multiple of four. */
  accumulate(sum: number, part: number, length: number): void {
    this.exports.accumulate(sum * FLOAT_BYTES, part * FLOAT_BYTES, Math.ceil(length / LANES) * LANES);
  }

  /** One AdamW step of `length` elements. */
  update(places: UpdatePlaces, length: number, scalars: UpdateScalars): void {
    const whole = length - (length % LANES);
    this.run(places, whole, scalars);
    if (whole < length) this.updateRest(places, whole, length - whole, scalars);
  }

  private updateRest(places: UpdatePlaces, from: number, length: number, scalars: UpdateScalars): void {
    const at = (lane: number): number => this.scratch + lane * LANES;
    const copies = { parameters: at(0), firstMoment: at(1), secondMoment: at(2), gradient: at(3) };
    const names = ['parameters', 'firstMoment', 'secondMoment', 'gradient'] as const;
    for (const name of names) this.view(copies[name], length).set(this.view(places[name] + from, length));
    this.run(copies, LANES, scalars);
    for (const name of names) this.view(places[name] + from, length).set(this.view(copies[name], length));
  }

  private run({ parameters, firstMoment, secondMoment, gradient }: UpdatePlaces, count: number, scalars: UpdateScalars): void {
    const { beta1, firstFactor, beta2, secondFactor, stepSize, epsilon, decay } = scalars;
    const [p, m, v, g] = [parameters, firstMoment, secondMoment, gradient].map((place) => place * FLOAT_BYTES) as [number, number, number, number];
    this.exports.update(p, m, v, g, count, beta1, firstFactor, beta2, secondFactor, stepSize, epsilon, decay);
  }
}

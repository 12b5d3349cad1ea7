import { BitShift, BitwiseXor, Cast, GreaterOrEqual, Mul, Where } from '../../graph/ops/elementwise';
import { Reshape } from '../../graph/ops/shape';
import { type Tensor, dimAt } from '../../graph/tensor';

// What a step drops is a pure function of the job's seed, the step, the row within it, the token within the row, the module and the
// element: a training that is resumed, stacked with others or computed in parts drops the same. No state, no order of draws.

/** A bijection of 32-bit numbers without visible pattern. Source: `lowbias32`, Wellons, Prospecting for Hash Functions (2018). */
export function mixed(value: number): number {
  let x = value >>> 0;
  x = Math.imul(x ^ (x >>> 16), MULTIPLIER_1);
  x = Math.imul(x ^ (x >>> 15), MULTIPLIER_2);
  return (x ^ (x >>> 16)) >>> 0;
}

const MULTIPLIER_1 = 0x7feb352d;
const MULTIPLIER_2 = 0x846ca68b;
const GOLDEN_RATIO = 0x9e3779b1;

/** One number from two, neither of which is lost in the other. */
function joined(a: number, b: number): number {
  return mixed((mixed(a) + Math.imul(b, GOLDEN_RATIO)) >>> 0);
}

/** Of a row of a step (from 0) of the job with this seed: unsigned 32-bit. */
export function dropoutRowKey(seed: number, step: number, row: number): number {
  return joined(joined(seed, step), row);
}

/** Of a token of a row. */
export function dropoutTokenKey(rowKey: number, position: number): number {
  return joined(rowKey, position);
}

/** What a training step drops of adapters' inputs. */
export interface Dropout {
  /** Share of the elements, above 0 and below 1. */
  readonly share: number;
  /** uint32 [N, M], from `dropoutTokenKey`. */
  readonly tokenKeys: Tensor;
}

/**
 * x with some elements 0. The others are not scaled up by 1 / (1 - share): the adapter's scale is.
 *
 * @param x float32 [N, M, in]
 * @param module key of the adapted module, each of which drops other elements
 */
export function dropped(x: Tensor, { share, tokenKeys }: Dropout, module: string): Tensor {
  const { graph } = x;
  const width = dimAt(x.shape, 2) as number;
  const [N, M] = [dimAt(tokenKeys.shape, 0), dimAt(tokenKeys.shape, 1)];
  const constant = (values: number | readonly number[]): Tensor => Cast(graph.constant('int64', values), 'uint32');
  const ofModule = [...module].reduce((key, letter) => joined(key, letter.charCodeAt(0)), 0);
  const ofChannels = constant(Array.from({ length: width }, (_, channel) => joined(ofModule, channel)));
  const shifted = (value: Tensor, bits: number): Tensor => BitwiseXor(value, BitShift(value, constant(bits)));
  const start = BitwiseXor(Reshape(tokenKeys, [N, M, 1]), Reshape(ofChannels, [1, 1, width]));
  const once = Mul(shifted(start, 16), constant(MULTIPLIER_1));
  const hash = Mul(shifted(once, 15), constant(MULTIPLIER_2));
  return Where(GreaterOrEqual(hash, constant(Math.round(share * 2 ** 32))), x, 0);
}

import type { GradientRules } from '../gradient-rule';
import type { Tensor } from '../tensor';
import { Neg } from './elementwise';
import { emitOne } from './emit';

/**
 * Rotates the halves of each head by its position's angles. x is [B, T, H*D]; cos and sin are tables [S, D/2], of which int64
 * `positions` [B, T] names the rows, or without positions [B, T, D/2].
 *
 * Source: RoFormer (arXiv 2104.09864), halves paired as in Llama's Hugging Face weights.
 */
export function RotaryEmbedding(x: Tensor, cos: Tensor, sin: Tensor, positions: Tensor | undefined, heads: number): Tensor {
  return emitOne('RotaryEmbedding', [x, cos, sin, positions], { num_heads: heads, interleaved: 0 }, x.shape);
}

export const rotaryEmbeddingGradients: GradientRules = {
  // A rotation's transpose is the rotation back.
  RotaryEmbedding: ({ inputs: [, cos, sin, positions], attributes: { num_heads } }, [dy]) => [
    () => RotaryEmbedding(dy, cos, Neg(sin), positions, num_heads as number),
  ],
};

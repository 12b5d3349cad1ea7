import type { Projection } from '../../../campaign/language-model';
import { projectionModule } from '../../files/model-config';

// Names of a checkpoint's tensors on Hugging Face.
export const EMBEDDING = 'model.embed_tokens.weight';
export const FINAL_NORM = 'model.norm.weight';
export const HEAD = 'lm_head.weight';
export const inputNormName = (layer: number): string => `model.layers.${layer}.input_layernorm.weight`;
export const postAttentionNormName = (layer: number): string => `model.layers.${layer}.post_attention_layernorm.weight`;
export const projectionName = (layer: number, projection: Projection): string => `${projectionModule(layer, projection)}.weight`;
export const biasName = (layer: number, projection: Projection): string => `${projectionModule(layer, projection)}.bias`;

import type { ComputeProgress } from '../../contracts/language-model';

export interface PretrainRequest {
  readonly outDirectory: string;
}
export interface PretrainResult {
  readonly steps: number;
}
export async function pretrain(request: PretrainRequest, onProgress: (progress: ComputeProgress) => void): Promise<PretrainResult> {
  onProgress({ done: 0, total: 0, unit: 'steps' });
  throw new Error(`not there yet: ${request.outDirectory}`);
}

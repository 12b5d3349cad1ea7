import type { MethodScore } from '../campaign/campaign';
import { counted } from './figures';

/** In one sentence a method, for people: runs that no adapter of the method answered for, and count as unadapted all the same. */
export function unadaptedSentences(methods: readonly MethodScore[]): string[] {
  return methods.flatMap(({ name, runs, rejected, diverged }) => {
    const parts = [...(rejected === 0 ? [] : [`${counted(rejected, 'self-edit')} rejected`]), ...(diverged === 0 ? [] : [`${counted(diverged, 'training')} diverged`])];
    return parts.length === 0 ? [] : [`${name}: ${parts.join(', ')}, of ${runs}; counted as the unadapted policy answers.`];
  });
}

import { ServerUnreachableError } from '../contracts/errors';

/** gRPC: DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, UNAVAILABLE. */
const PASSING = new Set([4, 8, 14]);

/** gRPC: NOT_FOUND. */
const NOT_FOUND = 5;

/**
 * A worker's own question to the Temporal server.
 * @throws ServerUnreachableError (retried without limit) where the server does not answer, or is too busy to
 */
export async function askServer<Answer>(question: string, ask: () => Promise<Answer>): Promise<Answer> {
  try {
    return await ask();
  } catch (error) {
    const code = grpcCode(error);
    if (code === undefined || !PASSING.has(code)) throw error;
    throw new ServerUnreachableError(`${question}: the Temporal server does not answer (gRPC ${code})`, { cause: error });
  }
}

/** Whether the server knows no such workflow or run. */
export function isNotFound(error: unknown): boolean {
  return grpcCode(error) === NOT_FOUND && (error as Error).name !== 'NamespaceNotFoundError';
}

/** Of the innermost error that has one. */
function grpcCode(error: unknown): number | undefined {
  for (let current = error; current instanceof Error; current = current.cause) {
    const { code } = current as { code?: unknown };
    if (typeof code === 'number') return code;
  }
  return undefined;
}

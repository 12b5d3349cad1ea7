import { causesOf, GRPC, grpcCode } from '../temporal/grpc';
import { ServerUnreachableError } from '../campaign/errors';

const PASSING: ReadonlySet<number> = new Set([GRPC.DEADLINE_EXCEEDED, GRPC.RESOURCE_EXHAUSTED, GRPC.UNAVAILABLE]);

/**
 * A worker's own question to the Temporal server.
 * @throws ServerUnreachableError (retried without limit) where the server does not answer, or is too busy to
 */
export async function askServer<Answer>(question: string, ask: () => Promise<Answer>): Promise<Answer> {
  try {
    return await ask();
  } catch (error) {
    const code = firstCode(error);
    if (code === undefined || !PASSING.has(code)) throw error;
    throw new ServerUnreachableError(`${question}: the Temporal server does not answer (gRPC ${code})`, { cause: error });
  }
}

/** Whether the server knows no such workflow or run. */
export function isNotFound(error: unknown): boolean {
  return firstCode(error) === GRPC.NOT_FOUND && (error as Error).name !== 'NamespaceNotFoundError';
}

/** Of the outermost error that has one. */
function firstCode(error: unknown): number | undefined {
  return [...causesOf(error)].map(grpcCode).find((code) => code !== undefined);
}

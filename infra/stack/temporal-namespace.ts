import { setTimeout as sleep } from 'node:timers/promises';
import { type Connection, isGrpcServiceError } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time';
import { connectTemporal } from '../../temporal/connect';
import { GRPC, grpcCode } from '../../temporal/grpc';
import { refusalOf } from '../../temporal/refusal';
import { SEARCH_ATTRIBUTES } from '../../campaign/campaign';
import { BadInputError } from '../../campaign/errors';
import type { TemporalSettings } from '../../settings/temporal';

/** A week-long campaign's closed workflows must outlive it. */
const RETENTION_DAYS = 90;
const READY_TIMEOUT_MS = 60_000;
/** What a query for a namespace or an attribute that is not there is answered with. */
const MISSING: ReadonlySet<number | undefined> = new Set([GRPC.INVALID_ARGUMENT, GRPC.NOT_FOUND]);
/** temporal.api.enums.v1.IndexedValueType */
const INDEXED_VALUE_TYPE = { KEYWORD: 2, INT: 3, DOUBLE: 4 } as const;

/**
 * Sees to it that the namespace and the search attributes exist and can be used at once. Safe to call again and again; where all is there,
 * no right to change anything is needed.
 * @throws as `connectTemporal`; BadInputError where something is missing that these credentials may not add
 */
export async function ensureNamespace(settings: TemporalSettings): Promise<void> {
  const { address, namespace } = settings;
  const connection = await connectTemporal(settings);
  try {
    if (await isUsable(connection, namespace)) return;
    await registerNamespace(connection, namespace);
    await registerSearchAttributes(connection, namespace);
    await untilUsable(connection, namespace);
  } catch (cause) {
    const refusal = refusalOf(cause, address);
    if (refusal === null) throw cause;
    const attributes = Object.entries(SEARCH_ATTRIBUTES).map(([name, type]) => `${name} (${type.toLowerCase()})`);
    throw new BadInputError(
      { where: `Temporal at ${address}, namespace ${namespace}`, expected: `the search attributes ${attributes.join(', ')}, or credentials that may add them`, got: refusal.detail.got },
      { cause },
    );
  } finally {
    await connection.close();
  }
}

async function registerNamespace(connection: Connection, namespace: string): Promise<void> {
  await unlessItExists(() =>
    connection.workflowService.registerNamespace({
      namespace,
      description: 'SEAL campaigns',
      workflowExecutionRetentionPeriod: msToTs(`${RETENTION_DAYS} days`),
    }),
  );
}

async function registerSearchAttributes(connection: Connection, namespace: string): Promise<void> {
  const { customAttributes } = await retriedWhileNotFound(() =>
    connection.operatorService.listSearchAttributes({ namespace }),
  );
  const missing = Object.entries(SEARCH_ATTRIBUTES).filter(([name]) => !(name in customAttributes));
  if (missing.length === 0) return;
  await unlessItExists(() =>
    connection.operatorService.addSearchAttributes({
      namespace,
      searchAttributes: Object.fromEntries(missing.map(([name, type]) => [name, INDEXED_VALUE_TYPE[type]])),
    }),
  );
}

/** Caches inside the server learn of a namespace and its attributes a little later; a query that names them all tells. */
async function untilUsable(connection: Connection, namespace: string): Promise<void> {
  const deadline = Date.now() + READY_TIMEOUT_MS;
  for (;;) {
    try {
      await askForAllAttributes(connection, namespace);
      return;
    } catch (error) {
      if (!isGrpcServiceError(error) || Date.now() > deadline) throw error;
      await sleep(100);
    }
  }
}

async function isUsable(connection: Connection, namespace: string): Promise<boolean> {
  try {
    await askForAllAttributes(connection, namespace);
    return true;
  } catch (error) {
    if (!MISSING.has(codeOf(error))) throw error;
    return false;
  }
}

async function askForAllAttributes(connection: Connection, namespace: string): Promise<void> {
  const query = Object.entries(SEARCH_ATTRIBUTES)
    .map(([name, type]) => `${name} = ${type === 'KEYWORD' ? "'none'" : '0'}`)
    .join(' AND ');
  await connection.workflowService.listWorkflowExecutions({ namespace, query, pageSize: 1 });
}

async function retriedWhileNotFound<T>(request: () => Promise<T>): Promise<T> {
  const deadline = Date.now() + READY_TIMEOUT_MS;
  for (;;) {
    try {
      return await request();
    } catch (error) {
      if (codeOf(error) !== GRPC.NOT_FOUND || Date.now() > deadline) throw error;
      await sleep(100);
    }
  }
}

async function unlessItExists(request: () => Promise<unknown>): Promise<void> {
  try {
    await request();
  } catch (error) {
    if (codeOf(error) !== GRPC.ALREADY_EXISTS) throw error;
  }
}

function codeOf(error: unknown): number | undefined {
  return isGrpcServiceError(error) ? grpcCode(error) : undefined;
}

import { setTimeout as sleep } from 'node:timers/promises';
import { Connection, isGrpcServiceError } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time';
import { SEARCH_ATTRIBUTES } from '../../contracts/campaign';
import { ServerUnreachableError } from '../../contracts/errors';

/** A week-long campaign's closed workflows must outlive it. */
const RETENTION_DAYS = 90;
const READY_TIMEOUT_MS = 60_000;
const CONNECT_TIMEOUT_MS = 10_000;
/** grpc.status, spelled out so that the gRPC library need not be imported. */
const GRPC = { NOT_FOUND: 5, ALREADY_EXISTS: 6 } as const;
/** temporal.api.enums.v1.IndexedValueType */
const INDEXED_VALUE_TYPE = { KEYWORD: 2, INT: 3, DOUBLE: 4 } as const;

/**
 * Sees to it that the namespace and the search attributes exist and can be used at once. Safe to call again and again.
 * @throws ServerUnreachableError
 */
export async function ensureNamespace(address: string, namespace: string): Promise<void> {
  const connection = await connect(address);
  try {
    await registerNamespace(connection, namespace);
    await registerSearchAttributes(connection, namespace);
    await untilUsable(connection, namespace);
  } finally {
    await connection.close();
  }
}

async function connect(address: string): Promise<Connection> {
  try {
    return await Connection.connect({ address, connectTimeout: CONNECT_TIMEOUT_MS });
  } catch (cause) {
    throw new ServerUnreachableError(
      `the Temporal server at ${address} does not answer; start it, or unset TEMPORAL_ADDRESS to use the embedded one`,
      { cause },
    );
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
  const query = Object.entries(SEARCH_ATTRIBUTES)
    .map(([name, type]) => `${name} = ${type === 'KEYWORD' ? "'none'" : '0'}`)
    .join(' AND ');
  const deadline = Date.now() + READY_TIMEOUT_MS;
  for (;;) {
    try {
      await connection.workflowService.listWorkflowExecutions({ namespace, query, pageSize: 1 });
      return;
    } catch (error) {
      if (!isGrpcServiceError(error) || Date.now() > deadline) throw error;
      await sleep(100);
    }
  }
}

async function retriedWhileNotFound<T>(request: () => Promise<T>): Promise<T> {
  const deadline = Date.now() + READY_TIMEOUT_MS;
  for (;;) {
    try {
      return await request();
    } catch (error) {
      if (!isGrpcServiceError(error) || Number(error.code) !== GRPC.NOT_FOUND || Date.now() > deadline) throw error;
      await sleep(100);
    }
  }
}

async function unlessItExists(request: () => Promise<unknown>): Promise<void> {
  try {
    await request();
  } catch (error) {
    if (!isGrpcServiceError(error) || Number(error.code) !== GRPC.ALREADY_EXISTS) throw error;
  }
}

import { isNativeError } from 'node:util/types';
import { DiskFullError, OutOfMemoryError } from '../../campaign/errors';

/** Full, read-only, or past a quota: the disk works again once somebody has made room. */
const DISK_CODES = new Set<unknown>(['ENOSPC', 'EROFS', 'EDQUOT']);

/**
 * What is said where memory was asked for and not given.
 *
 * Source: ONNX Runtime 1.30, `bfc_arena.cc` (CPU and CUDA alike) and what its C interface passes on of the C++ library; CUDA and cuBLAS;
 * Dawn, for WebGPU; V8 of Node 20, for array buffers, WebAssembly's memory and its own heap; the kernel's ENOMEM.
 */
const OUT_OF_MEMORY = [
  /Failed to allocate memory for requested buffer of size \d+/,
  /BFC Arena ran out of memory/,
  /Available memory of \d+ is smaller than requested bytes/,
  /std::bad_alloc/,
  /out[ _]of[ _](device[ _]|host[ _])?memory/i,
  /_STATUS_ALLOC_FAILED/,
  /Array buffer allocation failed/,
  /could not allocate memory/i,
  /Cannot allocate memory/,
];

/** The line in which a text says that there was no memory; undefined if it does not. */
export function outOfMemoryReport(text: string): string | undefined {
  return text.split('\n').find((line) => OUT_OF_MEMORY.some((report) => report.test(line)))?.trim();
}

/** Causes that are looked at before a chain is taken to be a circle. */
const MAX_CAUSES = 10;

/** Names under which the runtime and Node report; an error of ours that tells of a text with these words is no report. */
const REPORTING = new Set(['Error', 'RangeError', 'RuntimeError']);

/**
 * The error as the class that the system's report makes it: DiskFullError where it, or a cause of it, has the code ENOSPC, EROFS or
 * EDQUOT; OutOfMemoryError where the runtime or the kernel said that there was no memory. Any other is handed back as it is.
 */
export function asReported(error: Error): Error {
  let cause: unknown = error;
  for (let depth = 0; depth < MAX_CAUSES && isNativeError(cause); depth += 1, cause = cause.cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (DISK_CODES.has(code)) return withStackOf(new DiskFullError(`this machine's disk: ${cause.message}`, { cause: error }), error);
    if (!REPORTING.has(cause.name)) continue;
    const report = code === 'ENOMEM' ? cause.message : outOfMemoryReport(cause.message);
    if (report !== undefined) return withStackOf(new OutOfMemoryError(`out of memory, as reported: ${report}`, { cause: error }), error);
  }
  return error;
}

/** Where it happened, not where it was understood. */
function withStackOf(known: Error, { stack }: Error): Error {
  if (stack !== undefined) known.stack = stack;
  return known;
}

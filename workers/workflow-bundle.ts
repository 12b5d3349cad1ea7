import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { DataConverter } from '@temporalio/common';
import { bundleWorkflowCode, Runtime, type WorkflowBundlePath } from '@temporalio/worker';
import { version as sdkVersion } from '@temporalio/worker/package.json';
import { keptDirectory } from '../storage/kept-directory';

const BUNDLE_FILE = 'workflows.js';
/** Rooms whose code runs inside workflows. */
const BUNDLED_ROOMS = ['campaign', 'seal', 'workflows', 'telemetry/in-workflow'];

/**
 * The workflows as one file of code. Bundling takes seconds of a worker's start, so a bundle is kept by the hash of what
 * went into it.
 *
 * @param cacheDirectory where bundles are kept
 * @param bundled.failureConverterPath how failures are written, from inside the workflow too. @default in plain text
 * @param bundled.traced whether workflows tell of their spans, and hand the trace on to what they start. @default false
 */
export async function workflowBundle(
  cacheDirectory: string,
  { failureConverterPath, traced = false }: DataConverter & { readonly traced?: boolean } = {},
): Promise<WorkflowBundlePath> {
  const built = join(__dirname, '..');
  const directory = join(cacheDirectory, 'bundles', `${await sourceSha256(built, failureConverterPath)}${traced ? '-traced' : ''}`);
  const { logger } = Runtime.instance();
  const bundle = async (partial: string): Promise<void> => {
    const { code } = await bundleWorkflowCode({
      workflowsPath: join(built, 'workflows'),
      ...(traced ? { workflowInterceptorModules: [join(built, 'telemetry', 'in-workflow', 'workflow-spans')] } : {}),
      logger,
      ...(failureConverterPath === undefined ? {} : { failureConverterPath }),
    });
    await mkdir(partial);
    await writeFile(join(partial, BUNDLE_FILE), code);
  };
  await keptDirectory(directory, bundle, (what) => {
    logger.warn(`the bundle of workflow code on this machine is damaged and made again: ${directory}: ${what}`);
  });
  return { codePath: join(directory, BUNDLE_FILE) };
}

async function sourceSha256(built: string, failureConverterPath: string | undefined): Promise<string> {
  const hash = createHash('sha256').update(`${sdkVersion}\n`);
  if (failureConverterPath !== undefined) hash.update(await readFile(failureConverterPath));
  for (const room of BUNDLED_ROOMS) {
    const names = await readdir(join(built, room), { recursive: true });
    for (const name of names.filter((file) => file.endsWith('.js')).sort()) {
      const file = join(built, room, name);
      hash.update(`${relative(built, file)}\n`).update(await readFile(file));
    }
  }
  return hash.digest('hex').slice(0, 32);
}

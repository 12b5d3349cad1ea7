import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import {
  AbortMultipartUploadCommand,
  ListMultipartUploadsCommand,
  type ListMultipartUploadsCommandOutput,
  type PutObjectCommandInput,
  type S3Client,
} from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import type { ObjectSource } from './object-client';

/**
 * An object of more bytes goes in parts of this size, in larger ones from 80 GiB on: S3 takes 10,000 parts of 5 MiB to 5 GiB each, and no
 * more than 5 GiB in one piece. A part is in memory until it has arrived, so that it can be sent again.
 */
export const PART_BYTES = 8 * 2 ** 20;
const PARTS_AT_ONCE = 4;
const MOST_PARTS = 10_000;

/** Where an object goes, and on which condition. */
export type S3Target = Pick<PutObjectCommandInput, 'ContentType' | 'IfNoneMatch'> & { readonly Bucket: string; readonly Key: string };

/**
 * Stores an object in parts, each with a hash that the server verifies and sent again as any request is. It appears with its last part;
 * where it fails, the parts that have arrived are removed, if the server can still be asked to.
 * @throws Error where the file has not the hash that it is stored under; what the SDK throws
 */
export async function putInParts(s3: S3Client, target: S3Target, source: ObjectSource, content: { readonly sha256: string; readonly sizeBytes: number }): Promise<void> {
  const body = 'file' in source ? Readable.from(unchanged(source.file, content.sha256)) : source;
  const upload = new Upload({
    client: s3,
    params: { ...target, Body: body, ContentLength: content.sizeBytes, ChecksumAlgorithm: 'SHA256' },
    partSize: Math.max(PART_BYTES, Math.ceil(content.sizeBytes / MOST_PARTS)),
    queueSize: PARTS_AT_ONCE,
  });
  await upload.done();
}

/** A file's bytes, the last of them only if they have this hash: it was hashed in a reading of its own. */
async function* unchanged(file: string, sha256: string): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file) as AsyncIterable<Uint8Array>) {
    hash.update(chunk);
    yield chunk;
  }
  if (hash.digest('hex') !== sha256) throw new Error(`${file} has changed while it was being stored`);
}

/**
 * Removes what has arrived of uploads that have not come to an end: those of killed processes.
 * @param begunBeforeMs what was started later may be under way
 * @returns how many there were
 */
export async function removeUnfinished(s3: S3Client, bucket: string, begunBeforeMs: number, dryRun: boolean): Promise<number> {
  let removed = 0;
  let page: Partial<ListMultipartUploadsCommandOutput> = {};
  do {
    const { NextKeyMarker: KeyMarker, NextUploadIdMarker: UploadIdMarker } = page;
    page = await s3.send(new ListMultipartUploadsCommand({ Bucket: bucket, KeyMarker, UploadIdMarker }));
    for (const { Key, UploadId, Initiated } of page.Uploads ?? []) {
      if (Initiated === undefined || Initiated.getTime() >= begunBeforeMs) continue;
      if (!dryRun) await s3.send(new AbortMultipartUploadCommand({ Bucket: bucket, Key, UploadId }));
      removed += 1;
    }
  } while (page.IsTruncated === true);
  return removed;
}

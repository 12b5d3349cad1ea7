import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  type S3ClientConfig,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import { BadInputError, StoreFailedError } from '../campaign/errors';
import { silenceAwsSdk, type S3Settings } from '../settings/s3';
import type { ObjectClient, ObjectInfo, ObjectSource, WriteOptions } from './object-client';
import { explainS3Failure, isRefusal, isUnexplained, mayBeClockSkew, statusOf } from './s3-failure';
import { PART_BYTES, putInParts, removeUnfinished, type S3Target } from './s3-parts';
import { boundRequests } from './s3-slots';

/** How a client of a store behaves. */
export interface S3ClientSettings extends S3Settings {
  /** A connection that is not made by then counts as unreachable. @default 3000 */
  readonly connectTimeoutMs?: number;
  /** A connection that carries nothing for this long is given up. @default 60000 */
  readonly idleTimeoutMs?: number;
  /** Tries of one request, with back-off, where it can be repeated. @default 4 */
  readonly attempts?: number;
  /** Keys asked for at once when listing. @default 1000 */
  readonly pageSize?: number;
}

/** The SDK hands its configuration on to what looks for credentials: files are read anew, since keys are exchanged while a campaign runs. */
interface CredentialSearch {
  readonly ignoreCache: boolean;
}

/** What the SDK would warn of on the console is thrown too, and classified. */
const nothing = (): void => undefined;
const SILENT = { trace: nothing, debug: nothing, info: nothing, warn: nothing, error: nothing };

/** AWS answers 409 while another conditional write to the key is under way: who wins is known a moment later. */
const MAX_CONFLICTS = 5;
const CONFLICT_DELAY_MS = 200;
/** The SDK's own number. */
const SOCKETS = 50;
const DEFAULT_REGION = 'us-east-1';

/** S3 over HTTP, addressed by path so that any host name and port will do. */
export class S3ObjectClient implements ObjectClient {
  readonly location: string;
  readonly #endpoint: string;
  readonly #bucket: string;
  readonly #pageSize: number;
  readonly #s3: S3Client;
  /** How often other credentials were found than before. */
  #renewals = 0;

  constructor(settings: S3ClientSettings) {
    silenceAwsSdk();
    this.#endpoint = settings.endpoint;
    this.#bucket = settings.bucket;
    this.#pageSize = settings.pageSize ?? 1000;
    this.location = `bucket ${settings.bucket} at ${settings.endpoint}`;
    const config: S3ClientConfig & CredentialSearch = {
      endpoint: settings.endpoint,
      region: settings.region ?? profileRegion,
      forcePathStyle: true,
      maxAttempts: settings.attempts ?? 4,
      ...(settings.credentials === undefined ? {} : { credentials: settings.credentials }),
      logger: SILENT,
      // Content is hashed by the store on every read; uploads carry their SHA-256.
      responseChecksumValidation: 'WHEN_REQUIRED',
      requestChecksumCalculation: 'WHEN_REQUIRED',
      requestHandler: {
        connectionTimeout: settings.connectTimeoutMs ?? 3_000,
        socketTimeout: settings.idleTimeoutMs ?? 60_000,
        ...(settings.caBundle === undefined ? {} : { httpsAgent: { ca: readCertificates(settings.caBundle), keepAlive: true, maxSockets: SOCKETS } }),
      },
      ignoreCache: true,
    };
    this.#s3 = new S3Client(config);
    boundRequests(this.#s3, SOCKETS);
  }

  /** Creates the bucket if it is not there. Safe to call from several processes at once. */
  async ensureBucket(): Promise<void> {
    const input = { Bucket: this.#bucket };
    const status = await this.#try('bucket', () =>
      this.#s3.send(new HeadBucketCommand(input)).then(
        () => 200,
        (error: unknown) => statusOf(error, [404]),
      ),
    );
    if (status !== 404) return;
    await this.#try('bucket', async () => {
      try {
        await this.#s3.send(new CreateBucketCommand(input));
      } catch (error) {
        // Somebody else of the same account was faster.
        if (!(error instanceof S3ServiceException && error.name === 'BucketAlreadyOwnedByYou')) throw error;
      }
    });
  }

  /** One question, to see whether the server lets us in. Changes nothing. @returns whether the bucket is there */
  async ask(): Promise<boolean> {
    return this.#try('bucket', async () => {
      try {
        await this.#s3.send(new ListObjectsV2Command({ Bucket: this.#bucket, MaxKeys: 1 }));
        return true;
      } catch (error) {
        if (!(error instanceof S3ServiceException && error.name === 'NoSuchBucket')) throw error;
        return false;
      }
    });
  }

  async find(key: string): Promise<ObjectInfo | null> {
    return this.#try(key, async () => {
      try {
        const head = await this.#s3.send(new HeadObjectCommand({ Bucket: this.#bucket, Key: key }));
        return infoOf(key, head.ContentLength, head.LastModified);
      } catch (error) {
        statusOf(error, [404]);
        return null;
      }
    });
  }

  async read(key: string): Promise<AsyncIterable<Uint8Array> | null> {
    const body = await this.#try(key, async () => {
      try {
        const response = await this.#s3.send(new GetObjectCommand({ Bucket: this.#bucket, Key: key }));
        return response.Body as AsyncIterable<Uint8Array> | undefined;
      } catch (error) {
        if (error instanceof S3ServiceException && error.name === 'NoSuchKey') return null;
        throw error;
      }
    });
    if (body === null) return null;
    if (body === undefined) return noChunks();
    return this.#explained(key, body);
  }

  async write(key: string, source: ObjectSource, options: WriteOptions): Promise<'written' | 'exists'> {
    for (let conflicts = 0; ; conflicts++) {
      const outcome = await this.#try(key, () => this.#putOnce(key, source, options, conflicts < MAX_CONFLICTS), options.ifAbsent);
      if (outcome === 'written' && isInParts(options)) await this.#checkWhole(key, options);
      if (outcome !== 'conflict') return outcome;
      await sleep(CONFLICT_DELAY_MS);
    }
  }

  async #putOnce(
    key: string,
    source: ObjectSource,
    options: WriteOptions,
    again: boolean,
  ): Promise<'written' | 'exists' | 'conflict'> {
    const target: S3Target = { Bucket: this.#bucket, Key: key, ContentType: options.mediaType, ...(options.ifAbsent ? { IfNoneMatch: '*' } : {}) };
    try {
      if (isInParts(options)) await putInParts(this.#s3, target, source, options);
      else {
        // Not as a stream, which could not be sent again.
        const Body = 'file' in source ? await readFile(source.file) : source;
        await this.#s3.send(new PutObjectCommand({ ...target, Body, ChecksumSHA256: Buffer.from(options.sha256, 'hex').toString('base64') }));
      }
      return 'written';
    } catch (error) {
      if (!options.ifAbsent) throw error;
      return statusOf(error, again ? [409, 412] : [412]) === 409 ? 'conflict' : 'exists';
    }
  }

  /** Some servers answer that parts are put together while another request for it is still at work. @throws StoreFailedError where they are not */
  async #checkWhole(key: string, { sizeBytes }: WriteOptions): Promise<void> {
    const found = await this.find(key);
    if (found?.sizeBytes === sizeBytes) return;
    throw new StoreFailedError(`${key} in ${this.location}: the store has not put its parts together: expected ${sizeBytes} bytes, got ${found === null ? 'none' : found.sizeBytes}`);
  }

  async list(prefix: string): Promise<ObjectInfo[]> {
    const found: ObjectInfo[] = [];
    let token: string | undefined;
    do {
      const page = await this.#try(prefix, () =>
        this.#s3.send(
          new ListObjectsV2Command({
            Bucket: this.#bucket,
            Prefix: prefix,
            MaxKeys: this.#pageSize,
            ...(token === undefined ? {} : { ContinuationToken: token }),
          }),
        ),
      );
      for (const { Key, Size, LastModified } of page.Contents ?? []) if (Key !== undefined) found.push(infoOf(Key, Size, LastModified));
      token = page.NextContinuationToken;
    } while (token !== undefined);
    return found.sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  async remove(key: string): Promise<void> {
    await this.#try(key, () => this.#s3.send(new DeleteObjectCommand({ Bucket: this.#bucket, Key: key })));
  }

  async removeUnfinished(begunBeforeMs: number, dryRun: boolean): Promise<number> {
    return this.#try('uploads in parts', () => removeUnfinished(this.#s3, this.#bucket, begunBeforeMs, dryRun));
  }

  close(): void {
    this.#s3.destroy();
  }

  /** A stream may break long after the request was answered. */
  async *#explained(key: string, body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    try {
      yield* body;
    } catch (error) {
      throw explainS3Failure(error, { endpoint: this.#endpoint, location: this.location, key });
    }
  }

  async #try<T>(key: string, request: () => Promise<T>, isConditional = false): Promise<T> {
    const renewals = this.#renewals;
    try {
      return await request().catch(async (unexplained: unknown) => {
        const error = isUnexplained(unexplained) ? await this.#explanationOf(unexplained) : unexplained;
        const isRenewed = isRefusal(error) && (await this.#haveChanged(renewals));
        // Somebody has set this machine's clock: the SDK repeats only what the server explains, and of requests at once only the first.
        if (isRenewed || mayBeClockSkew(error)) return request();
        throw error;
      });
    } catch (error) {
      throw explainS3Failure(error, { endpoint: this.#endpoint, location: this.location, key, isConditional });
    }
  }

  /** The answer to a HEAD has no body that could say why: another question to the same bucket is refused for the same reason. */
  async #explanationOf(unexplained: unknown): Promise<unknown> {
    try {
      await this.#s3.send(new ListObjectsV2Command({ Bucket: this.#bucket, MaxKeys: 1 }));
      return unexplained;
    } catch (error) {
      return isRefusal(error) ? error : unexplained;
    }
  }

  /** Looks for credentials where these came from. @returns whether they are others than when there had been so many renewals */
  async #haveChanged(sinceRenewals: number): Promise<boolean> {
    const { credentials } = this.#s3.config;
    const before = await credentials();
    const now = await credentials({ forceRefresh: true });
    if (now.accessKeyId !== before.accessKeyId || now.secretAccessKey !== before.secretAccessKey || now.sessionToken !== before.sessionToken) this.#renewals += 1;
    return this.#renewals !== sinceRenewals;
  }
}

function isInParts({ sizeBytes }: WriteOptions): boolean {
  return sizeBytes > PART_BYTES;
}

/** Of an object without a time one can only say that it may be new. */
function infoOf(key: string, sizeBytes: number | undefined, modified: Date | undefined): ObjectInfo {
  return { key, sizeBytes: sizeBytes ?? 0, modifiedMs: modified?.getTime() ?? Date.now() };
}

async function* noChunks(): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(new Uint8Array());
}

/** As the SDK finds it by itself: in the AWS environment variables and files. */
async function profileRegion(): Promise<string> {
  const unset = new S3Client({});
  try {
    return await unset.config.region();
  } catch (error) {
    if (!(error instanceof Error && error.message === 'Region is missing')) throw error;
    return DEFAULT_REGION;
  } finally {
    unset.destroy();
  }
}

/** @throws BadInputError naming the variable */
function readCertificates(file: string): string {
  const refuse = (got: string, cause?: unknown): never => {
    throw new BadInputError({ where: `AWS_CA_BUNDLE ${file}`, expected: 'a readable file of certificates in PEM', got }, { cause });
  };
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    return refuse(String((cause as NodeJS.ErrnoException).code), cause);
  }
  return text.includes('-----BEGIN CERTIFICATE-----') ? text : refuse('none in it');
}

import { BadInputError, ServerUnreachableError } from '../campaign/errors';
import { environment, variable } from './environment';
import { sealHome } from './home';
import { readS3Credentials, readStackFile, type S3Credentials } from './stack-file';

/** Where artifacts are stored: what every client of the store is made from. */
export interface S3Settings {
  /** `http://127.0.0.1:7070`, or of any S3-compatible service. */
  readonly endpoint: string;
  readonly bucket: string;
  /** @default that of the AWS profile, else us-east-1 */
  readonly region?: string;
  /** File of the certificates that an https endpoint is trusted by, in PEM. @default those that Node trusts */
  readonly caBundle?: string;
  /** @default the usual AWS environment variables and files */
  readonly credentials?: S3Credentials;
}

/** Bucket of artifacts unless `S3_BUCKET` names another. */
export const DEFAULT_BUCKET = 'seal';

/** The server that `S3_ENDPOINT` names, as it is written; null where none is named. */
export function namedS3Endpoint(env: NodeJS.ProcessEnv = environment()): string | null {
  return variable(env, 'S3_ENDPOINT') ?? null;
}

/** `S3_BUCKET`, and `AWS_REGION` or `AWS_DEFAULT_REGION`; null where they are not set. */
export function namedBucket(env: NodeJS.ProcessEnv): { readonly bucket: string | null; readonly region: string | null } {
  return { bucket: variable(env, 'S3_BUCKET') ?? null, region: variable(env, 'AWS_REGION') ?? variable(env, 'AWS_DEFAULT_REGION') ?? null };
}

/**
 * The store that the environment names: `S3_ENDPOINT` (with `S3_BUCKET`, `AWS_REGION` and the usual AWS credentials), else the embedded
 * server of `$SEAL_HOME`. The embedded server's own credentials go to nobody else.
 *
 * @throws ServerUnreachableError if neither says where the server is; BadInputError naming a variable or file that cannot be used
 */
export function s3Settings(env: NodeJS.ProcessEnv = environment()): S3Settings {
  const home = sealHome(env);
  const embedded = readStackFile(home)?.s3;
  const endpoint = namedS3Endpoint(env) ?? embedded?.endpoint;
  if (endpoint === undefined) {
    throw new ServerUnreachableError(`no S3 server: S3_ENDPOINT is not set and nothing runs in ${home}; run "seal up"`);
  }
  if (!URL.canParse(endpoint) || !/^https?:$/.test(new URL(endpoint).protocol)) {
    throw new BadInputError({ where: 'S3_ENDPOINT', expected: 'an http or https address', got: JSON.stringify(endpoint) });
  }
  const isSame = embedded !== undefined && embedded.endpoint === endpoint;
  if (isSame && embedded.credentialsFile !== null) {
    return { endpoint, bucket: embedded.bucket, region: embedded.region, credentials: readS3Credentials(embedded.credentialsFile) };
  }
  const { bucket, region } = namedBucket(env);
  const caBundle = variable(env, 'AWS_CA_BUNDLE');
  return {
    endpoint,
    bucket: bucket ?? (isSame ? embedded.bucket : DEFAULT_BUCKET),
    ...(region === null ? {} : { region }),
    ...(caBundle === undefined || !endpoint.startsWith('https:') ? {} : { caBundle }),
  };
}

/** To be called before the first client of the AWS SDK is made: the pinned version supports Node 20, and that later ones will not is for those who upgrade to know. */
export function silenceAwsSdk(): void {
  environment()['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';
}

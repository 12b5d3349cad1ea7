import { startStack } from '../infra/stack/stack';
import { environment } from '../settings/environment';

// `node start-stack.js HOME`: starts a stack on free ports, in a process that can be killed while it does.
const [home] = process.argv.slice(2);
if (home === undefined) throw new Error('expected HOME');
void startStack({ home, env: { ...environment(), TEMPORAL_ADDRESS: '', S3_ENDPOINT: '' }, ports: { temporal: 0, ui: null, s3: 0 } });

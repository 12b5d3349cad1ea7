import { environment } from '../../settings/environment';
import { sealHome } from '../../settings/home';
import { checkDatabase, checkLocks, checkMoved, checkOrphans } from './leftover-checks';
import { checkCuda, checkDependencies, checkDisk, checkMemory, checkNode, checkOnnxruntime, checkProcessor, checkPython } from './machine-checks';
import { checkClock, checkObjectServer, checkPorts, checkPrograms, checkStackFile, checkSupervision, checkTemporal, checkWorker } from './server-checks';

export interface DoctorCheck {
  readonly name: string;
  /** False only where something that is needed is missing. */
  readonly ok: boolean;
  readonly detail: string;
  /** What to do, in one sentence; null where there is nothing to do. */
  readonly advice: string | null;
}

export interface DoctorOptions {
  /** @default $SEAL_HOME, else ./.seal */
  readonly home?: string;
  /** @default this process's environment */
  readonly env?: NodeJS.ProcessEnv;
}

/** What this machine has of what campaigns need. Starts, changes and downloads nothing. */
export async function doctor({ env = environment(), home = sealHome(env) }: DoctorOptions = {}): Promise<DoctorCheck[]> {
  const stackFile = checkStackFile(home);
  return [
    checkNode(),
    checkDependencies(),
    await checkOnnxruntime(),
    checkProcessor(),
    checkMemory(),
    await checkDisk(home),
    ...(await checkPrograms(env)),
    stackFile,
    ...(stackFile.ok ? await checkServers(home, env) : []),
    checkWorker(home),
    checkDatabase(home),
    checkMoved(home),
    checkLocks(home, env),
    checkOrphans(home),
    await checkCuda(),
    await checkPython(),
  ];
}

async function checkServers(home: string, env: NodeJS.ProcessEnv): Promise<DoctorCheck[]> {
  return [await checkPorts(home), await checkTemporal(home, env), await checkObjectServer(home, env), await checkClock(home, env), checkSupervision(home)];
}

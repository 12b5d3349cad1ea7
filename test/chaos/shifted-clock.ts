// Loaded into a worker before everything else (`--require`): its clock jumps to what SEAL_TEST_CLOCK_FILE says, milliseconds ahead of the
// machine's. As where somebody sets a machine's clock, timers and performance.now go on undisturbed.
import { readFileSync } from 'node:fs';

const file = process.env['SEAL_TEST_CLOCK_FILE'];
if (file === undefined) throw new Error('SEAL_TEST_CLOCK_FILE is not set');

const RealDate = Date;
let aheadMs = 0;
const look = (): void => {
  aheadMs = Number(readFileSync(file, 'utf8'));
};
look();
setInterval(look, 100).unref();

globalThis.Date = new Proxy(RealDate, {
  construct: (_target, args: [], newTarget) => Reflect.construct(RealDate, args.length === 0 ? [RealDate.now() + aheadMs] : args, newTarget) as Date,
  apply: () => new RealDate(RealDate.now() + aheadMs).toString(),
  get: (target, name, receiver) => (name === 'now' ? () => RealDate.now() + aheadMs : (Reflect.get(target, name, receiver) as unknown)),
});

import { ServerProbe } from '../../infra/stack/server-probe';
import { Silence } from '../../infra/stack/silence';
import { hangLimit } from '../../settings/hang-limit';
import { eventually } from '../workflows/temporal-fixture';

const SECOND = 1000;

describe('silence', () => {
  /** Looks at these seconds of both clocks. */
  function silentAfter(looks: readonly (readonly [monotonic: number, wall: number, answered: boolean])[]): number {
    const silence = new Silence(30 * SECOND);
    return looks.map(([monotonic, wall, answered]) => silence.look(answered, { monotonicMs: monotonic * SECOND, wallMs: wall * SECOND })).at(-1)! / SECOND;
  }

  it('is counted while somebody listens, from the first look on', () => {
    expect(silentAfter([[100, 100, false]])).toBe(0);
    expect(silentAfter([[0, 0, false], [15, 15, false], [30, 30, false], [45, 45, false]])).toBe(45);
  });

  it('ends with an answer', () => {
    expect(silentAfter([[0, 0, false], [15, 15, false], [30, 30, true]])).toBe(0);
    expect(silentAfter([[0, 0, false], [15, 15, true], [30, 30, false]])).toBe(15);
  });

  it.each([
    ['whose clocks both went on', 3615, 3615],
    ['whose monotonic clock stood still', 30, 3615],
    ['whose clock was set back', 30, -3600],
  ])('of a machine that slept, %s, is none', (_name, monotonic, wall) => {
    expect(silentAfter([[0, 0, false], [15, 15, false], [monotonic, wall, false]])).toBe(0);
    expect(silentAfter([[0, 0, false], [15, 15, false], [monotonic, wall, false], [monotonic + 15, wall + 15, false]])).toBe(15);
  });
});

describe('a probe', () => {
  const limit = { everyMs: 10, patienceMs: 20, silenceMs: 100 };

  it('finds who does not answer to hang, and who answers again not', async () => {
    let well = false;
    const probe = new ServerProbe(() => Promise.resolve(well), limit);
    expect(probe.hangs()).toBe(false);
    await eventually('it to hang', () => probe.hangs());
    expect(probe.silentMs).toBeGreaterThanOrEqual(100);
    well = true;
    await eventually('it to be well', () => !probe.hangs());
  });

  it('asks one question at a time', () => {
    const ask = jest.fn(() => new Promise<boolean>(() => undefined));
    const probe = new ServerProbe(ask, limit);
    for (let look = 0; look < 5; look += 1) probe.hangs();
    expect(ask).toHaveBeenCalledTimes(1);
  });
});

describe('SEAL_HANG_SECONDS', () => {
  it('is a minute, or what is said', () => {
    expect(hangLimit({}).silenceMs).toBe(60_000);
    expect(hangLimit({ SEAL_HANG_SECONDS: '' }).silenceMs).toBe(60_000);
    expect(hangLimit({ SEAL_HANG_SECONDS: '600' })).toEqual({ everyMs: 5_000, patienceMs: 10_000, silenceMs: 600_000 });
  });

  it.each(['0', '1', '1.5', 'soon', '-60', '1e9'])('%s is refused', (text) => {
    expect(() => hangLimit({ SEAL_HANG_SECONDS: text })).toThrow(`SEAL_HANG_SECONDS: expected a whole number from 2 to 86400, got "${text}"`);
  });
});

/** What an operator may do to a running campaign, and how it reaches the part that runs. */
import { ApplicationFailure, log, setHandler, upsertSearchAttributes } from '@temporalio/workflow';
import type { CampaignProgress, CampaignState, OperatorAction } from '../../campaign/campaign';
import { advanceSignal, cancelUpdate, pauseUpdate, progressQuery, resumeUpdate, retryFailedSignal, retryFailedUpdate, setConcurrencyUpdate, steerSignal, type Steering } from '../messages';
import { statusAttribute } from '../record/search-attributes';
import type { CampaignPart } from './parts';
import type { CampaignClock } from './progress';

/** Highest `concurrency.candidates`: a workflow may have at most 2,000 pending children, and needs room for all else. */
const MAX_CANDIDATES_AT_ONCE = 400;

export interface OperatedCampaign {
  readonly clock: CampaignClock;
  progress(): CampaignProgress;
  /** Nothing that is asked for now can change what the campaign ends with. */
  isClosing(): boolean;
  /** @returns the request's number */
  retryFailed(action: OperatorAction): number;
  cancel(action: OperatorAction): void;
}

/** Holds a campaign's state and steering, and answers its messages. */
export class CampaignOperator {
  state: CampaignState = 'running';
  readonly #campaign: OperatedCampaign;
  #steering: Steering;
  #part: CampaignPart | null = null;

  constructor(campaign: OperatedCampaign, steering: Steering) {
    this.#campaign = campaign;
    this.#steering = steering;
    if (steering.paused) this.state = 'paused';
  }

  get steering(): Steering {
    return this.#steering;
  }

  /** From now on this part is steered; what was said while it started is told to it now. */
  async adopt(part: CampaignPart, startedWith: Steering): Promise<void> {
    this.#part = part;
    if (startedWith !== this.#steering) await this.#steer(this.#steering, this.state);
  }

  /** The part has ended. */
  release(): void {
    this.#part = null;
  }

  /** Answers messages from now on, at once those that came before: the campaign must be able to tell its progress. */
  listen(): void {
    const { clock } = this.#campaign;
    const validator = (action: OperatorAction): void => this.#refuse(action);
    setHandler(progressQuery, () => this.#campaign.progress());
    setHandler(advanceSignal, (advance) => clock.advance(advance));
    setHandler(
      pauseUpdate,
      () => {
        clock.pause(Date.now());
        return this.#answer({ ...this.#steering, paused: true }, 'paused');
      },
      { validator },
    );
    setHandler(
      resumeUpdate,
      () => {
        clock.resume(Date.now());
        return this.#answer({ ...this.#steering, paused: false }, 'running');
      },
      { validator },
    );
    setHandler(setConcurrencyUpdate, ({ candidates }) => this.#answer({ ...this.#steering, candidates }, this.state), {
      validator: (action: OperatorAction & { readonly candidates: number }) => {
        validator(action);
        refuseCandidates(action.candidates);
      },
    });
    setHandler(
      retryFailedUpdate,
      async (action) => {
        const request = this.#campaign.retryFailed(action);
        await this.#tell((part) => part.signal(retryFailedSignal, request));
        return this.#campaign.progress();
      },
      { validator },
    );
    setHandler(
      cancelUpdate,
      (action) => {
        this.#campaign.cancel(action);
        return this.#campaign.progress();
      },
      { validator },
    );
  }

  #refuse(action: OperatorAction): void {
    refuseAnonymous(action);
    if (this.state !== 'running' && this.state !== 'paused') throw ApplicationFailure.nonRetryable(`the campaign is ${this.state}`, 'NotRunning');
    if (this.#campaign.isClosing()) throw ApplicationFailure.nonRetryable('the campaign is writing its report; ask again when it has ended', 'NotRunning');
  }

  async #answer(steering: Steering, state: CampaignState): Promise<CampaignProgress> {
    await this.#steer(steering, state);
    return this.#campaign.progress();
  }

  /** Takes effect here at once, and in the running epoch or evaluation as soon as it hears of it. */
  async #steer(steering: Steering, state: CampaignState): Promise<void> {
    this.#steering = steering;
    if (state !== this.state) upsertSearchAttributes([statusAttribute(state)]);
    this.state = state;
    await this.#tell((part) => part.signal(steerSignal, steering));
  }

  async #tell(signal: (part: CampaignPart) => Promise<void>): Promise<void> {
    try {
      if (this.#part !== null) await signal(this.#part);
    } catch (error) {
      // It has just finished: the next one starts with what was said.
      log.info('the running part was not there to be told', { error });
    }
  }
}

function refuseCandidates(candidates: number): void {
  if (!Number.isInteger(candidates) || candidates < 1 || candidates > MAX_CANDIDATES_AT_ONCE) {
    throw ApplicationFailure.nonRetryable(`candidates: expected 1 to ${MAX_CANDIDATES_AT_ONCE}, got ${candidates}`, 'BadInputError');
  }
}

function refuseAnonymous({ by, why }: OperatorAction): void {
  for (const [field, value] of Object.entries({ by, why })) {
    if (typeof value !== 'string' || value.trim() === '') throw ApplicationFailure.nonRetryable(`${field}: expected who and why, got nothing`, 'BadInputError');
  }
}

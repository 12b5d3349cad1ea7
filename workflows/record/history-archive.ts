import type { PinnedCampaign } from '../../activities/activity-types';
import { type ActivitySettings, bookkeepingActivities } from '../work/activity-options';

/** Histories of a page: some megabytes, a few seconds of one activity. */
const PAGE = 100;

export interface ArchiveState {
  /** Pages that the scope has already. */
  readonly pages: number;
  /** Workflows that have closed and are on no page yet. */
  readonly waiting: readonly string[];
}

/**
 * Has the histories of closed workflows kept as artifacts before their parent goes on: the server forgets them after its retention,
 * an auditor comes later.
 */
export class HistoryArchive {
  readonly #campaign: PinnedCampaign;
  readonly #scope: string;
  readonly #settings: ActivitySettings;
  #pages: number;
  #waiting: string[];
  readonly #underWay: Promise<unknown>[] = [];

  /** @param before where an earlier run was. @default at the beginning */
  constructor(campaign: PinnedCampaign, scope: string, settings: ActivitySettings, before: ArchiveState = { pages: 0, waiting: [] }) {
    this.#campaign = campaign;
    this.#scope = scope;
    this.#settings = settings;
    this.#pages = before.pages;
    this.#waiting = [...before.waiting];
  }

  /** What a new run must know, once nothing is under way. */
  get state(): ArchiveState {
    return { pages: this.#pages, waiting: this.#waiting };
  }

  /** A workflow has closed. Whole pages are archived while others run. */
  add(workflowId: string): void {
    this.#waiting.push(workflowId);
    if (this.#waiting.length >= PAGE) this.#archive();
  }

  /** Waits until everything that was added is kept, also what is added meanwhile. */
  async flush(): Promise<void> {
    while (this.#waiting.length + this.#underWay.length > 0) {
      if (this.#waiting.length > 0) this.#archive();
      await Promise.all(this.#underWay.splice(0));
    }
  }

  #archive(): void {
    const workflows = this.#waiting.map((workflowId) => ({ workflowId }));
    this.#waiting = [];
    this.#pages += 1;
    const page = bookkeepingActivities(this.#settings).archiveHistories({
      campaign: this.#campaign,
      scope: this.#scope,
      page: this.#pages,
      workflows,
    });
    // A failure is thrown by `flush`; until then it has no other handler.
    page.catch(() => undefined);
    this.#underWay.push(page);
  }
}

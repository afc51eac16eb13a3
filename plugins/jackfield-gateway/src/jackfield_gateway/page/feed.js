// Calls as they run: server-sent events, followed again whenever they end.

import { ApiError, ask } from "./api.js";
import { events } from "./events.js";

const FIRST = 500;
const LONGEST = 15000;

/** Follows the calls while it is started. `begun` is called at each connection, `record` with each change, `lost` with the error. */
export class Feed {
  #own = null;

  constructor({ begun, record, lost }) {
    Object.assign(this, { begun, record, lost });
  }

  start() {
    this.stop();
    this.#own = new AbortController();
    this.#follow(this.#own.signal);
  }

  stop() {
    this.#own?.abort();
    this.#own = null;
  }

  async #follow(signal) {
    for (let wait = FIRST; !signal.aborted; wait = Math.min(wait * 2, LONGEST)) {
      try {
        const answer = await ask("/inspector/live", { signal });
        await this.begun();
        for await (const data of events(answer)) {
          if (signal.aborted) return;
          const told = JSON.parse(data);
          if (told.sequence === undefined) throw new ApiError(null, told.error); // the last event, where it fails
          this.record(told);
          wait = FIRST;
        }
        if (!signal.aborted) this.lost(null);
      } catch (error) {
        if (signal.aborted) return;
        this.lost(error);
        if (error instanceof ApiError && [401, 403].includes(error.status)) return;
      }
      await new Promise((resume) => { setTimeout(resume, wait * (0.5 + Math.random() / 2)); });
    }
  }
}

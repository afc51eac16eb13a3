// The list of calls.

import { byId, el, text } from "./dom.js";
import { keyName } from "./filters.js";
import { cost, count, seconds, time } from "./format.js";

const STEPS = { ArrowDown: 1, ArrowUp: -1 };

/** Rows of calls, the newest first. A row is made anew only when its call has changed. */
export class Calls {
  #rows = new Map();
  #chosen = null;
  #pressed = null;

  constructor(open) {
    this.body = byId("calls");
    this.open = open;
    this.body.addEventListener("click", (event) => this.#choose(idOf(event)));
    // A row may be taken out between press and release, and browsers then tell of no click.
    this.body.addEventListener("mousedown", (event) => { this.#pressed = event.button === 0 ? idOf(event) : null; });
    addEventListener("mouseup", (event) => {
      if (this.body.contains(event.target)) setTimeout(() => this.#choose(this.#pressed));
      else this.#pressed = null;
    });
    this.body.addEventListener("keydown", (event) => this.#key(event));
  }

  /** Show these. */
  show(records) {
    const focused = document.activeElement?.closest?.("tr")?.dataset.id;
    const rows = new Map();
    for (const record of records) {
      const had = this.#rows.get(record.id);
      const fresh = had && had.record === record && record.state !== "running";
      rows.set(record.id, fresh ? had : { record, node: this.#row(record) });
    }
    this.#rows = rows;
    this.body.replaceChildren(...[...rows.values()].map((row) => row.node));
    byId("no-calls").hidden = rows.size > 0;
    if (focused !== undefined) rows.get(focused)?.node.querySelector("button").focus({ preventScroll: true });
  }

  /** Mark the call that is shown beside; null for none. */
  mark(id) {
    this.#chosen = id;
    for (const [own, row] of this.#rows) row.node.classList.toggle("chosen", own === id);
  }

  /** Give the focus to a call's row. */
  focus(id) {
    this.#rows.get(id)?.node.querySelector("button").focus();
  }

  #choose(id) {
    this.#pressed = null;
    if (id) this.open(id);
  }

  #key(event) {
    const step = STEPS[event.key];
    if (!step) return;
    const row = event.target.closest("tr");
    const next = step > 0 ? row.nextElementSibling : row.previousElementSibling;
    next?.querySelector("button").focus();
    event.preventDefault();
  }

  #row(record) {
    const last = record.attempts.at(-1);
    const running = record.state === "running";
    const took = running ? Math.max(0, Date.now() / 1000 - record.started) : record.duration;
    const error = record.error ? [text(record.error.type), text(record.error.message)].join(": ") : null;
    const cell = (shown, kind = null) => el("td", { class: kind }, shown);
    const row = el("tr", { class: record.id === this.#chosen ? "chosen" : null },
      el("td", {}, el("button", { type: "button", class: "link", "aria-label": `Call at ${time(record.started)}, ${text(record.model)}, ${text(record.state)}` }, time(record.started))),
      el("td", { title: error }, state(record)),
      cell(text(record.model), "name"), cell(last ? text(last.backend) : "–", "name"),
      cell(String(record.attempts.length), record.attempts.length > 1 ? "number many" : "number"),
      cell(seconds(record.first_chunk), "number"),
      cell(seconds(took), running ? "number dim" : "number"),
      cell(count(record.usage?.total_tokens), "number"), cell(cost(record.cost), "number"),
      cell(keyName(record.key) || "–", "name dim"));
    row.dataset.id = record.id;
    return row;
  }
}

const idOf = (event) => event.target.closest("tr")?.dataset.id;

/** The state of a call, as a word with a mark. */
export function state(record) {
  const known = ["running", "success", "error", "cancelled"].includes(record.state);
  const status = record.error?.status ? ` ${text(record.error.status)}` : "";
  return el("span", { class: `state ${known ? record.state : ""}` }, text(record.state) + status);
}

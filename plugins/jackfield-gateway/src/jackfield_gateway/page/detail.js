// One call: what it was, where its time went, what it tried, and what is kept of its content.

import { askJson } from "./api.js";
import { state } from "./calls.js";
import { byId, el, pretty, text } from "./dom.js";
import { keyName } from "./filters.js";
import { cost, count, seconds, time } from "./format.js";
import { waterfall } from "./waterfall.js";
import { copy } from "./wire.js";

const AGAIN = 1000;

/** The view beside the list. `closed` is called with the id of the call that was shown. */
export class Detail {
  #id = null;
  #timer = null;
  #turn = 0;
  #drawn = null;
  #open = new Set();

  constructor(closed) {
    this.node = byId("detail");
    this.closed = closed;
  }

  get id() {
    return this.#id;
  }

  /** Show a call; read it again while it runs. */
  async show(id, focus = false) {
    if (this.#id !== id) this.#open.clear();
    this.#id = id;
    const turn = ++this.#turn; // an older answer may come after a newer one
    clearTimeout(this.#timer);
    let record = null;
    try {
      record = await askJson(`/inspector/calls/${encodeURIComponent(id)}`);
    } catch (error) {
      if (this.#turn === turn) this.#put([el("p", { class: "wrong" }, error.message)], focus);
      return;
    }
    if (this.#turn !== turn) return;
    const running = record.state === "running";
    if (!running || !this.#marked(id)) this.#put(this.#parts(record), focus);
    if (running) this.#timer = setTimeout(() => this.show(id), AGAIN);
  }

  hide() {
    const id = this.#id;
    clearTimeout(this.#timer);
    this.#turn += 1;
    this.#id = null;
    this.node.hidden = true;
    if (id !== null) this.closed(id);
  }

  #put(parts, focus) {
    const close = el("button", { type: "button", class: "quiet close", "aria-label": "Close", click: () => this.hide() }, "✕");
    const focused = this.node.contains(document.activeElement) && document.activeElement.classList.contains("close");
    this.node.replaceChildren(close, ...parts.filter(Boolean));
    this.node.hidden = false;
    if (focus) this.node.focus({ preventScroll: false });
    else if (focused) close.focus();
    this.#drawn = this.#id;
  }

  /** Whether somebody has marked text of this call, which drawing it anew would take away. */
  #marked(id) {
    const selection = document.getSelection();
    return this.#drawn === id && !selection.isCollapsed && this.node.contains(selection.anchorNode);
  }

  #parts(record) {
    return [
      el("header", { class: "head" }, el("h2", {}, text(record.model) || "Call"), state(record)),
      record.error ? el("p", { class: "failure" }, el("strong", {}, text(record.error.type)), " ", text(record.error.message)) : null,
      facts(record),
      el("h3", {}, "Where the time went"),
      waterfall(record),
      record.attempts.length ? el("h3", {}, "Attempts") : null,
      record.attempts.length ? el("ol", { class: "attempts" }, ...record.attempts.map(attempt)) : null,
      this.#content("Request", record.request),
      this.#content("Response", record.response),
      record.request || record.response ? null : el("p", { class: "dim" }, "Prompt and answer are not kept: ", el("code", {}, "content"), " of ", el("code", {}, "[gateway.inspector]"), " is off, or they were too large."),
    ];
  }

  #content(title, value) {
    if (value === null || value === undefined) return null;
    const pre = el("pre", { tabindex: 0 }, pretty(value));
    const button = el("button", { type: "button", class: "quiet", click: () => copy(pre, button) }, "Copy");
    const box = el("details", { open: this.#open.has(title) }, el("summary", {}, title), button, pre);
    box.addEventListener("toggle", () => (box.open ? this.#open.add(title) : this.#open.delete(title)));
    return box;
  }
}

function facts(record) {
  const usage = record.usage;
  const cached = usage?.cached_tokens ? ` (${count(usage.cached_tokens)} cached)` : "";
  const reasoned = usage?.reasoning_tokens ? ` (${count(usage.reasoning_tokens)} reasoning)` : "";
  return list([
    ["Request", el("code", {}, text(record.id))],
    record.call === record.id ? null : ["Call", el("code", {}, text(record.call))],
    ["Began", time(record.started)],
    ["Took", seconds(record.duration)],
    record.stream ? ["First chunk", seconds(record.first_chunk)] : null,
    ["Streamed", record.stream ? "yes" : "no"],
    record.key ? ["Key", keyName(record.key)] : null,
    usage ? ["Tokens in", count(usage.prompt_tokens) + cached] : null,
    usage ? ["Tokens out", count(usage.completion_tokens) + reasoned] : null,
    ["Cost", cost(record.cost)],
  ]);
}

function attempt(one) {
  const told = list([
    ["Waited", one.wait > 0 ? seconds(one.wait) : null],
    ["Began after", seconds(one.started)],
    ["Took", one.duration === null ? "…" : seconds(one.duration)],
    ["First chunk", one.first_chunk === null ? null : seconds(one.first_chunk)],
    ["Status", one.status_code],
    ["Backend's id", one.request_id === null ? null : el("code", {}, text(one.request_id))],
    ["Tokens", one.usage ? `${count(one.usage.prompt_tokens)} + ${count(one.usage.completion_tokens)}` : null],
    ["Left out", one.dropped?.length ? one.dropped.map(text).join(", ") : null],
    ["Billed", one.maybe_billed ? "perhaps, though it failed" : null],
  ]);
  return el("li", {}, el("p", { class: "head" }, el("strong", {}, `${text(one.backend)}/${text(one.model)}`), " ", state({ state: one.outcome })),
    one.error ? el("p", { class: "failure" }, text(one.error)) : null, told);
}

function list(pairs) {
  const shown = pairs.filter((pair) => pair && pair[1] !== null && pair[1] !== undefined);
  return el("dl", {}, ...shown.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value instanceof Node ? value : text(value)))));
}

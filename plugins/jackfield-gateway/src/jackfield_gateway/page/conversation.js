// The messages that were said, and how they stand on the page.

import { atEnd, byId, el } from "./dom.js";
import { MessageView } from "./message.js";

const WELCOME = "Nothing said yet. Choose a model, write a message, and send it.";

/**
 * Messages and their views, in step. Views without a message are of answers that failed: they are not sent again.
 * `dropped` of an entry is called when it is taken away.
 */
export class Conversation {
  #entries = [];

  constructor(changed, edited) {
    this.box = byId("conversation");
    this.changed = changed;
    this.edited = edited;
    this.#empty();
  }

  /** As they go into a request. */
  get messages() {
    return this.#entries.flatMap((entry) => (entry.message ? [entry.message] : []));
  }

  /** Whether an answer can be asked for again. */
  get answered() {
    return this.#entries.some((entry) => entry.message?.role === "user");
  }

  /** Add a view, and the message where there is one. */
  add(role, title, message = null) {
    const entry = { message };
    const actions = message?.role === "user"
      ? [["Edit", () => { this.#cut(entry); this.edited(message.content); }]]
      : [];
    entry.view = new MessageView(role, title, [...actions, ["Remove", () => this.#cut(entry)]]);
    if (!this.#entries.length) this.box.replaceChildren();
    this.#entries.push(entry);
    this.box.append(entry.view.node);
    this.end();
    this.changed();
    return entry;
  }

  /** Take away all that came after the last message that was not the model's. */
  rewind() {
    while (this.#entries.length && !["user", "tool"].includes(this.#entries.at(-1).message?.role)) this.#drop();
    this.changed();
  }

  clear() {
    while (this.#entries.length) this.#drop();
    this.#empty();
    this.changed();
  }

  /** Call this with what adds text: the view stays at the end where it was there. */
  following(add) {
    const follow = atEnd(this.box);
    add();
    if (follow) this.end();
  }

  end() {
    this.box.scrollTop = this.box.scrollHeight;
  }

  #cut(entry) {
    const at = this.#entries.indexOf(entry);
    if (at < 0) return;
    while (this.#entries.length > at) this.#drop();
    if (!this.#entries.length) this.#empty();
    this.changed();
  }

  #drop() {
    const entry = this.#entries.pop();
    entry.view.node.remove();
    entry.dropped?.();
  }

  #empty() {
    this.box.replaceChildren(el("p", { class: "empty" }, WELCOME));
  }
}

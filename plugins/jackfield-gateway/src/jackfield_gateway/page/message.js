// One message of the conversation on the page.

import { el, pretty, text } from "./dom.js";

const NAMES = { user: "You", assistant: "Model", tool: "Tool", error: "Error" };

/** A message; `actions` are pairs of label and callback. */
export class MessageView {
  constructor(role, title = NAMES[role] ?? role, actions = []) {
    this.body = el("div", { class: "body" });
    this.foot = el("p", { class: "foot dim" });
    const buttons = actions.map(([label, act]) => el("button", { type: "button", class: "quiet", click: act }, label));
    this.node = el("article", { class: `message ${role}`, "aria-label": title },
      el("header", {}, el("strong", {}, title), el("span", { class: "grow" }), ...buttons), this.body, this.foot);
    this.content = null;
    this.thought = null;
  }

  /** Show more of its text. */
  write(added) {
    if (!added) return;
    if (this.content === null) {
      this.content = document.createTextNode("");
      this.body.append(el("div", { class: "content" }, this.content));
    }
    this.content.appendData(added);
  }

  /** Show more of what the model thought. */
  think(added) {
    if (!added) return;
    if (this.thought === null) {
      this.thought = document.createTextNode("");
      this.body.prepend(el("details", { class: "thought" }, el("summary", {}, "Reasoning"), el("div", { class: "content" }, this.thought)));
    }
    this.thought.appendData(added);
  }

  /** Show what is wrong. */
  fail(message) {
    this.node.classList.add("failed");
    this.body.append(el("p", { class: "wrong" }, text(message)));
  }

  /** Show the calls of tools; where they wait for results, `answer` takes these and tells whether it did. */
  call(calls, answer) {
    const asked = calls.filter(Boolean);
    const fields = asked.map((call, at) => this.#called(call, at, Boolean(answer)));
    if (!answer) return;
    const send = el("button", { type: "submit", class: "main" }, asked.length > 1 ? "Send results" : "Send result");
    const form = el("form", { class: "results" }, send);
    this.body.append(form);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const results = fields.map((input, at) => ({ role: "tool", tool_call_id: text(asked[at].id), content: input.value }));
      if (!answer(results)) return;
      for (const input of fields) input.readOnly = true;
      form.remove();
    });
  }

  #called(call, at, open) {
    const name = text(call.function?.name ?? call.custom?.name);
    const input = el("textarea", { rows: 2, class: "code", "aria-label": `Result of ${name}`, placeholder: "Result" });
    this.body.append(el("section", { class: "call", "aria-label": `Call of ${name}` },
      el("p", {}, el("code", {}, name), " ", el("span", { class: "dim" }, text(call.id))),
      el("pre", {}, argumentsOf(call)), open ? input : null));
    return input;
  }
}

function argumentsOf(call) {
  const given = text(call.function?.arguments ?? call.custom?.input);
  try {
    return pretty(JSON.parse(given));
  } catch {
    return given;
  }
}

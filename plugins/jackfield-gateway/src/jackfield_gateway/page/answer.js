// An answer put together from its chunks: what a whole answer would have been.

const MOST_CALLS = 1000;

/** Begin an answer; `add` takes each chunk, `message` and `response` are what has come so far. */
export class Answer {
  constructor() {
    this.response = null;
    this.message = { role: "assistant", content: "" };
    this.reasoning = "";
    this.finish = null;
    this.chunks = 0;
  }

  /** Take a chunk. Returns the text that it added. */
  add(chunk) {
    this.chunks += 1;
    const { choices, ...head } = chunk;
    this.response = { ...this.response, ...head, usage: chunk.usage ?? this.response?.usage };
    const choice = (Array.isArray(choices) ? choices : []).find((one) => (one.index ?? 0) === 0);
    if (!choice) return "";
    this.finish = choice.finish_reason ?? this.finish;
    return this.#fold(choice.delta ?? {});
  }

  /** Take a whole answer. */
  take(response) {
    this.response = response;
    const choice = response.choices?.[0];
    this.finish = choice?.finish_reason ?? null;
    this.message = { role: "assistant", content: null, ...choice?.message };
    this.reasoning = reasoningOf(choice?.message ?? {});
  }

  /** It as JSON, as a whole answer. */
  get whole() {
    if (this.response === null || this.response.choices) return this.response;
    const object = "chat.completion";
    return { ...this.response, object, choices: [{ index: 0, message: this.sent, finish_reason: this.finish }] };
  }

  /** The message as it goes into the next request. */
  get sent() {
    const { role, content, tool_calls: calls, refusal } = this.message;
    const message = { role, content: content || (calls ? null : "") };
    if (refusal) message.refusal = refusal;
    if (calls?.length) message.tool_calls = calls.filter(Boolean);
    return message;
  }

  #fold(delta) {
    const added = typeof delta.content === "string" ? delta.content : "";
    this.message.content += added;
    this.reasoning += reasoningOf(delta);
    if (typeof delta.refusal === "string") this.message.refusal = (this.message.refusal ?? "") + delta.refusal;
    for (const part of delta.tool_calls ?? []) this.#foldCall(part);
    return added;
  }

  #foldCall(part) {
    const calls = (this.message.tool_calls ??= []);
    const at = part.index ?? calls.length;
    if (!Number.isInteger(at) || at < 0 || at >= MOST_CALLS) return;
    const call = (calls[at] ??= part.custom
      ? { id: "", type: "custom", custom: { name: "", input: "" } }
      : { id: "", type: "function", function: { name: "", arguments: "" } });
    call.id ||= part.id ?? "";
    const [into, from] = [call[call.type], part[call.type] ?? {}];
    for (const name of Object.keys(into)) into[name] += from[name] ?? "";
  }
}

function reasoningOf(message) {
  const found = message.reasoning_content ?? message.reasoning;
  return typeof found === "string" ? found : "";
}

// The playground: a message goes out, an answer comes in.

import { Answer } from "./answer.js";
import { ApiError, ask, askJson } from "./api.js";
import { Conversation } from "./conversation.js";
import { byId, el, text } from "./dom.js";
import { events } from "./events.js";
import { count, seconds } from "./format.js";
import { onKey } from "./key.js";
import { offer, requestFor, startParameters } from "./parameters.js";
import { showRequest, showResponse, startWire } from "./wire.js";

const CHAT = "/v1/chat/completions";
let conversation = null;
let running = null;

export function startPlayground() {
  startWire();
  startParameters(refresh);
  conversation = new Conversation(refresh, (said) => { byId("prompt").value = said; byId("prompt").focus(); });
  if (matchMedia("(max-width: 760px)").matches) byId("parameters-box").open = false;
  byId("composer").addEventListener("submit", (event) => { event.preventDefault(); send(); });
  byId("prompt").addEventListener("input", refresh);
  byId("halt").addEventListener("click", stop);
  byId("clear").addEventListener("click", () => { stop(); conversation.clear(); status(""); });
  byId("again").addEventListener("click", () => { if (!running && readable()) { conversation.rewind(); answer(); } });
  byId("playground").addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); send(); }
    if (event.key === "Escape" && running) stop();
  });
  onKey(loadModels);
  loadModels();
  refresh();
}

async function loadModels() {
  try {
    const { data } = await askJson("/v1/models");
    offer([...new Set(data.map((model) => text(model.id)))]);
  } catch (error) {
    offer([]);
    status(`No models: ${error.message}`, true);
    return;
  }
  status("");
  refresh();
}

function refresh() {
  if (!conversation) return;
  const said = byId("prompt").value;
  showRequest(requestFor([...conversation.messages, ...(said.trim() ? [{ role: "user", content: said }] : [])]).request);
  byId("again").disabled = Boolean(running) || !conversation.answered;
}

function send() {
  const content = byId("prompt").value;
  if (running || !content.trim()) return;
  if (!readable()) return;
  byId("prompt").value = "";
  conversation.add("user", "You", { role: "user", content }).view.write(content);
  answer();
}

/** Whether all parameters can be read; says so where not. */
function readable() {
  const { valid } = requestFor([]);
  if (!valid) status("A parameter cannot be read.", true);
  return valid;
}

const stop = () => running?.abort();

/** Ask for an answer to what was said. */
async function answer() {
  const { request } = requestFor(conversation.messages);
  const asked = { request, answer: new Answer(), began: performance.now(), first: null, id: null };
  const entry = conversation.add("assistant", request.model || "Model");
  const own = new AbortController();
  entry.dropped = () => own.abort();
  work(own);
  status("Answering…");
  try {
    await receive(asked, entry.view, own.signal);
    status(summary(asked));
  } catch (error) {
    failed(error, entry.view, own.signal.aborted, asked);
  } finally {
    work(null);
  }
  settle(asked, entry);
}

async function receive(asked, view, signal) {
  const came = await ask(CHAT, { body: JSON.stringify(asked.request), signal });
  asked.id = came.headers.get("x-request-id");
  if (!(came.headers.get("content-type") ?? "").startsWith("text/event-stream")) {
    asked.answer.take(await came.json());
    view.think(asked.answer.reasoning);
    view.write(shown(asked.answer.message));
    return;
  }
  for await (const data of events(came)) {
    if (data === "[DONE]") return;
    const chunk = JSON.parse(data);
    if (chunk.error) throw new ApiError(null, chunk.error, asked.id);
    asked.first ??= performance.now();
    const before = [asked.answer.reasoning.length, (asked.answer.message.refusal ?? "").length];
    const added = asked.answer.add(chunk);
    conversation.following(() => {
      view.think(asked.answer.reasoning.slice(before[0]));
      view.write(added + (asked.answer.message.refusal ?? "").slice(before[1]));
    });
  }
  throw new Error("the stream broke off before its end");
}

function failed(error, view, aborted, asked) {
  asked.id ??= error.requestId ?? null;
  if (aborted) { status("Stopped."); view.foot.append("Stopped. "); return; }
  asked.error = error.error ?? { message: error.message };
  asked.status = error.status;
  view.fail(error.message);
  status(`Failed: ${error.message}`, true);
}

/** Show what is known at the end, and keep the message for what follows. */
function settle(asked, entry) {
  const { message, sent, whole, reasoning } = asked.answer;
  const calls = (message.tool_calls ?? []).filter(Boolean);
  const some = message.content || calls.length || message.refusal;
  if (some && !asked.error) entry.message = sent;
  if (calls.length) entry.view.call(calls, asked.error ? null : (results) => giveResults(results));
  if (!some && !asked.error && !reasoning) entry.view.body.append(el("p", { class: "dim" }, "(nothing)"));
  entry.view.foot.append(summary(asked), " ", asked.id ? el("a", { href: `#inspector/${encodeURIComponent(asked.id)}` }, "inspect") : "");
  const head = [asked.status ? `HTTP ${asked.status}` : null, asked.id ? `x-request-id: ${asked.id}` : null];
  showResponse([...head, asked.answer.chunks ? `${asked.answer.chunks} chunks, put together:` : null],
    asked.error ? { error: asked.error, ...(whole ? { received: whole } : {}) } : whole);
  conversation.end();
  refresh();
}

function giveResults(results) {
  if (running || !readable()) return false;
  for (const result of results) conversation.add("tool", "Tool result", result).view.write(result.content);
  answer();
  return true;
}

const shown = (message) => text(message.content) + text(message.refusal);

function summary({ answer, began, first }) {
  const usage = answer.response?.usage;
  const took = (performance.now() - began) / 1000;
  const parts = [seconds(took)];
  if (first) parts.unshift(`first chunk ${seconds((first - began) / 1000)}`);
  if (usage) parts.push(`${count(usage.prompt_tokens)} + ${count(usage.completion_tokens)} tokens`);
  if (answer.finish && answer.finish !== "stop") parts.push(text(answer.finish));
  return parts.join(" · ");
}

function work(own) {
  running = own;
  byId("halt").hidden = !own;
  byId("send").hidden = Boolean(own);
  byId("conversation").setAttribute("aria-busy", String(Boolean(own)));
  refresh();
}

function status(told, wrong = false) {
  byId("chat-status").textContent = told;
  byId("chat-status").classList.toggle("wrong", wrong);
}

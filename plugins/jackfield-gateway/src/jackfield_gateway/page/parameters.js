// The parameters of a request, as a form.

import { byId, choice, el, field, text } from "./dom.js";

const OTHER = "\u0000other";
const NUMBERS = [
  ["temperature", "Temperature", 0, 2, 0.1],
  ["max_completion_tokens", "Max tokens", 1, null, 1],
  ["top_p", "Top p", 0, 1, 0.05],
  ["seed", "Seed", null, null, 1],
  ["frequency_penalty", "Frequency penalty", -2, 2, 0.1],
  ["presence_penalty", "Presence penalty", -2, 2, 0.1],
];
const EFFORTS = ["none", "minimal", "low", "medium", "high", "xhigh"];
const SCHEMA = '{\n  "name": "answer",\n  "strict": true,\n  "schema": {"type": "object"}\n}';
const TOOLS = '[{"type": "function", "function": {"name": "…", "parameters": {"type": "object"}}}]';

/** Build the form; `changed` is called at each change of it. */
export function startParameters(changed) {
  const same = ["", "as the model has it"];
  const form = byId("parameters");
  form.append(
    field("model", "Model", choice([])),
    el("div", { class: "field", hidden: true, id: "model-other-box" },
      el("label", { for: "model-other" }, "Name of the model"),
      el("input", { id: "model-other", spellcheck: "false", placeholder: "backend/model" })),
    field("system", "System prompt", el("textarea", { rows: 3 })),
    el("div", { class: "pairs" }, ...NUMBERS.map(([name, label, min, max, step]) =>
      field(name, label, el("input", { type: "number", min, max, step, inputmode: "decimal" })))),
    field("stop", "Stop at", el("textarea", { rows: 1, spellcheck: "false" }), "One text a line."),
    field("reasoning_effort", "Reasoning effort", choice([same, ...EFFORTS.map((one) => [one, one])])),
    field("response_format", "Response format", choice([
      ["", "as the model has it"], ["text", "text"], ["json_object", "JSON object"], ["json_schema", "JSON schema"],
    ])),
    el("div", { id: "schema-box", hidden: true },
      field("schema", "JSON schema", el("textarea", { rows: 7, class: "code", spellcheck: "false" }))),
    field("tools", "Tools", el("textarea", { rows: 3, class: "code", spellcheck: "false", placeholder: TOOLS }), "A JSON list."),
    field("tool_choice", "Tool choice", choice([same, ["auto", "auto"], ["none", "none"], ["required", "required"]])),
    field("extra", "More fields", el("textarea", { rows: 2, class: "code", spellcheck: "false", placeholder: '{"logprobs": true}' }), "A JSON object."),
    tick("stream", "Stream the answer", true),
    tick("store", "Store the completion", false),
  );
  byId("schema").value = SCHEMA;
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", () => {
    byId("model-other-box").hidden = byId("model").value !== OTHER;
    byId("schema-box").hidden = byId("response_format").value !== "json_schema";
    changed();
  });
}

/** Offer these models, and any other by its name; what is chosen stays chosen. */
export function offer(models) {
  const select = byId("model");
  const chosen = model() && select.value; // `Other…` without a name was no choice
  select.replaceChildren(
    ...models.map((name) => el("option", { value: name }, text(name))),
    el("option", { value: OTHER }, "Other…"),
  );
  if ([...select.options].some((option) => option.value === chosen)) select.value = chosen;
  byId("model-other-box").hidden = select.value !== OTHER;
}

/** The request for these messages, and whether all that was written can be read. */
export function requestFor(messages) {
  const request = { model: model(), messages: [...systemMessages(), ...messages] };
  let valid = true;
  for (const [name] of NUMBERS) {
    const input = byId(name);
    const fits = mark(name, input.checkValidity(), "Not a number that fits.");
    valid &&= fits;
    if (input.value !== "" && fits) request[name] = input.valueAsNumber;
  }
  const stops = byId("stop").value.split("\n").filter((line) => line !== "");
  if (stops.length) request.stop = stops;
  if (byId("reasoning_effort").value) request.reasoning_effort = byId("reasoning_effort").value;
  const kind = byId("response_format").value;
  if (kind) request.response_format = { type: kind };
  const read = (name, kindOf, use) => {
    const value = parsed(name, kindOf);
    if (value === undefined) valid = false;
    else if (value !== null) use(value);
  };
  if (kind === "json_schema") read("schema", "object", (value) => { request.response_format.json_schema = value; });
  read("tools", "list", (value) => { request.tools = value; });
  if (byId("tool_choice").value) request.tool_choice = byId("tool_choice").value;
  if (byId("store").checked) request.store = true;
  if (byId("stream").checked) Object.assign(request, { stream: true, stream_options: { include_usage: true } });
  read("extra", "object", (value) => Object.assign(request, value));
  return { request, valid };
}

function model() {
  const chosen = byId("model").value;
  return chosen === OTHER ? byId("model-other").value.trim() : chosen;
}

function systemMessages() {
  const content = byId("system").value;
  return content.trim() ? [{ role: "system", content }] : [];
}

/** What was written as JSON: null where nothing was, undefined where it cannot be read. */
function parsed(name, kind) {
  const written = byId(name).value;
  let value = null;
  if (written.trim()) {
    try {
      value = JSON.parse(written);
      if (kind !== (Array.isArray(value) ? "list" : typeof value) || value === null) value = undefined;
    } catch {
      value = undefined;
    }
  }
  mark(name, value !== undefined, `Not a JSON ${kind}.`);
  return value;
}

function mark(name, valid, message) {
  const control = byId(name);
  const note = byId(`${name}-note`);
  note.dataset.help ??= note.textContent;
  note.textContent = valid ? note.dataset.help : message;
  note.classList.toggle("wrong", !valid);
  control.toggleAttribute("aria-invalid", false);
  if (!valid) control.setAttribute("aria-invalid", "true");
  return valid;
}

function tick(id, label, checked) {
  return el("div", { class: "tick" }, el("input", { type: "checkbox", id, checked }), el("label", { for: id }, label));
}

// Which calls are shown.

import { byId, choice, el, text } from "./dom.js";

const STATES = ["running", "success", "error", "cancelled"];
const ALL = ["", "all"];

/** Build the form; `changed` is called when other calls are to be shown, `follow` when they are to be followed or not. */
export function startFilters(changed, follow) {
  const form = byId("filters");
  form.append(
    labelled("filter-state", "State", choice([ALL, ...STATES.map((one) => [one, one])])),
    labelled("filter-model", "Model", choice([ALL])),
    labelled("filter-key", "Key", choice([ALL])),
    labelled("filter-text", "Text", el("input", { type: "search", placeholder: "id, error, backend …", spellcheck: "false" })),
    el("span", { class: "tick" }, el("input", { type: "checkbox", id: "follow", checked: true }), el("label", { for: "follow" }, "Follow live")),
  );
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", (event) => (event.target.id === "follow" ? follow(event.target.checked) : changed()));
}

/** Offer the models and keys that occur. */
export function offerFilters(records) {
  const keys = new Map(records.filter((one) => one.key).map((one) => [text(one.key.id), keyName(one.key)]));
  renew(byId("filter-model"), [...new Set(records.map((one) => text(one.model)))].sort().map((name) => [name, name]));
  renew(byId("filter-key"), [...keys]);
}

/** What tells whether a call is shown. */
export function passes() {
  const [state, model, key] = ["state", "model", "key"].map((name) => byId(`filter-${name}`).value);
  const words = byId("filter-text").value.toLowerCase().split(/\s+/).filter(Boolean);
  return (record) =>
    (!state || record.state === state) &&
    (!model || record.model === model) &&
    (!key || record.key?.id === key) &&
    (!words.length || words.every((word) => said(record).includes(word)));
}

export const keyName = (key) => (key ? text(key.label) || text(key.id) : "");

function said(record) {
  const tried = record.attempts.flatMap((one) => [one.backend, one.model, one.error, one.request_id]);
  const own = [record.id, record.call, record.model, record.state, record.error?.type, record.error?.message];
  return [...own, keyName(record.key), ...tried].map(text).join(" ").toLowerCase();
}

function renew(select, pairs) {
  const had = [...select.options].slice(1).map((option) => option.value);
  if (had.length === pairs.length && pairs.every(([value], at) => value === had[at])) return;
  const chosen = select.value;
  const kept = chosen === "" || pairs.some(([value]) => value === chosen) ? pairs : [...pairs, [chosen, chosen]];
  select.replaceChildren(...[ALL, ...kept].map(([value, shown]) => el("option", { value }, shown)));
  select.value = chosen;
}

const labelled = (id, label, control) => {
  control.id = id;
  return el("span", { class: "filter" }, el("label", { for: id }, label), control);
};

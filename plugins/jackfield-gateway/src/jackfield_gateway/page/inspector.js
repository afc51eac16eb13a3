// The inspector: the last calls, and those that run.

import { askJson } from "./api.js";
import { Calls } from "./calls.js";
import { Detail } from "./detail.js";
import { byId, text } from "./dom.js";
import { Feed } from "./feed.js";
import { offerFilters, passes, startFilters } from "./filters.js";
import { cost, count, median, seconds } from "./format.js";
import { asked, onKey } from "./key.js";

const KEPT = 1000;
const TICK = 1000;
const records = new Map(); // by id: each worker counts its own calls, and may have answered
let calls = null;
let detail = null;
let feed = null;
let planned = false;
let visible = false;

export function startInspector() {
  startFilters(draw, (on) => (on ? feed.start() : feed.stop()));
  calls = new Calls(open);
  detail = new Detail((id) => { calls.mark(null); calls.focus(id); visited(null); });
  feed = new Feed({ begun: load, record: take, lost });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && visible && detail.id !== null && !asked()) detail.hide();
  });
  onKey(() => { if (visible) showInspector(true); });
  setInterval(() => {
    if (visible && [...records.values()].some((one) => one.state === "running")) plan();
  }, TICK);
}

/** Follow the calls while the inspector is on the screen. */
export function showInspector(on, id = null) {
  visible = on;
  if (!on || !byId("follow").checked) feed.stop();
  else feed.start();
  if (on && id !== null) open(id);
}

/** The address of what is shown, so that it can be kept and gone back to. */
function visited(id) {
  history.replaceState(null, "", id === null ? "#inspector" : `#inspector/${encodeURIComponent(id)}`);
}

function open(id) {
  calls.mark(id);
  visited(id);
  detail.show(id, true);
}

async function load() {
  const { calls: found } = await askJson("/inspector/calls");
  records.clear();
  for (const record of found) records.set(record.id, record);
  notice("");
  plan();
  const about = await askJson("/inspector/about");
  byId("version").textContent = text(about.version);
}

function take(record) {
  records.set(record.id, record);
  if (detail.id === record.id) detail.show(record.id);
  plan();
}

function lost(error) {
  if (error?.status === 403) notice("This key may not inspect. One that may is made by: jackfield keys create --label NAME --inspect");
  else if (error?.status === 401) notice("Calls are shown to those who have a key that may inspect.");
  else notice("The gateway does not answer; trying again …");
}

/** Draw before the next frame, once for all that came since the last. */
function plan() {
  if (planned) return;
  planned = true;
  requestAnimationFrame(() => { planned = false; draw(); });
}

function draw() {
  const newest = [...records.values()].sort((one, other) => other.started - one.started || other.sequence - one.sequence);
  for (const record of newest.splice(KEPT)) records.delete(record.id);
  offerFilters(newest);
  const shown = newest.filter(passes());
  byId("no-calls").textContent = newest.length ? "No call passes the filters." : "No calls yet. They appear here as they run.";
  calls.show(shown);
  if (!byId("inspector-notice").hidden) byId("no-calls").hidden = true;  // the notice says why there is none
  calls.mark(detail.id);
  byId("figures").textContent = figures(shown);
}

function figures(shown) {
  const sum = (value) => shown.reduce((all, one) => all + (value(one) ?? 0), 0);
  const of = (state) => shown.filter((one) => one.state === state).length;
  const parts = [`${count(shown.length)} ${shown.length === 1 ? "call" : "calls"}`, `${of("running")} running`, `${of("error")} failed`];
  const middle = median(shown.map((one) => one.duration));
  if (middle !== null) parts.push(`median ${seconds(middle)}`);
  parts.push(`${count(sum((one) => one.usage?.total_tokens))} tokens`);
  if (shown.some((one) => one.cost !== null)) parts.push(`cost ${cost(sum((one) => one.cost))}`);
  return parts.join(" · ");
}

function notice(told) {
  byId("inspector-notice").textContent = told;
  byId("inspector-notice").hidden = !told;
  plan();
}

// Where the time of a call went: a row for each layer and attempt, those inside below the one around them.

import { el, svg, text } from "./dom.js";
import { seconds } from "./format.js";

const TICKS = 4;
const SLACK = 1e-6;
const KINDS = { chat: "layer", http: "exchange", provider: "provider" };

/** A table of what took how long. */
export function waterfall(record) {
  const rows = nested(rowsOf(record));
  const ends = rows.map((row) => row.ended ?? row.started);
  const total = Math.max(record.duration ?? 0, ...ends, SLACK);
  const body = rows.map((row) => tableRow(row, total));
  return el("table", { class: "waterfall" },
    el("caption", { class: "hidden" }, "Where the time went"),
    el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "Layer"),
      el("th", { scope: "col", class: "scale" }, el("span", { class: "hidden" }, "Timeline"), scale(total)),
      el("th", { scope: "col", class: "number" }, "Took"))),
    el("tbody", {}, ...body));
}

/** Layers, and attempts in place of the providers' own spans, which tell less. */
function rowsOf(record) {
  const attempts = record.attempts.map((one) => ({
    kind: "attempt",
    name: `attempt ${text(one.number)}`,
    note: `${text(one.backend)}/${text(one.model)}`,
    started: one.started,
    ended: one.duration === null ? null : one.started + one.duration,
    wait: one.wait,
    first: one.first_chunk === null ? null : one.started + one.first_chunk,
    outcome: one.outcome,
  }));
  const numbers = new Set(record.attempts.map((one) => one.number));
  const spans = (record.spans ?? [])
    .filter((span) => span.kind !== "provider" || !numbers.has(span.attempt))
    .map((span) => ({ ...span, kind: KINDS[span.kind] ?? "layer", name: text(span.name), note: text(span.backend), wait: 0, first: null }));
  const longest = (row) => row.ended ?? Infinity;
  return [...spans, ...attempts].sort((one, other) => one.started - other.started || longest(other) - longest(one));
}

/** The rows with how deep each lies in others. */
function nested(rows) {
  const around = [];
  return rows.map((row) => {
    while (around.length && !within(row, around.at(-1))) around.pop();
    const depth = around.length;
    around.push(row);
    return { ...row, depth };
  });
}

const within = (row, outer) =>
  outer.kind !== "attempt" || row.kind !== "attempt"
    ? outer.ended === null || (row.started <= outer.ended + SLACK && (row.ended ?? Infinity) <= outer.ended + SLACK)
    : false;

function tableRow(row, total) {
  const ended = row.ended ?? total;
  const failed = !["", "success", "running", undefined].includes(row.outcome);
  const kind = `${row.kind} ${failed ? "failed" : ""} ${row.ended === null ? "running" : ""}`;
  const told = `${row.name}: from ${seconds(row.started)} for ${seconds(ended - row.started)}`;
  const bars = [part(row.started, ended, total, `bar ${kind}`)];
  if (row.wait > 0) bars.unshift(part(row.started - row.wait, row.started, total, "bar wait"));
  if (row.first !== null) bars.push(part(row.first, row.first, total, "first"));
  const note = notes(row, failed);
  return el("tr", { class: kind },
    el("th", { scope: "row", class: `depth${Math.min(row.depth, 8)}`, title: `${row.name} ${note}` },
      el("span", { class: "name" }, row.name), " ", el("small", { class: "dim" }, note)),
    el("td", { class: "scale" }, svg("svg", { role: "img", "aria-label": told, width: "100%", height: 14 }, ...grid(), ...bars)),
    el("td", { class: "number" }, row.ended === null ? "…" : seconds(row.ended - row.started)));
}

function notes(row, failed) {
  const waited = row.wait > 0 ? `waited ${seconds(row.wait)}` : "";
  return [waited, failed ? text(row.outcome) : "", row.note].filter(Boolean).join(" · ");
}

function part(from, to, total, kind) {
  const start = Math.max(0, (from / total) * 100);
  const width = kind === "first" ? "2" : `${Math.max(0.35, ((to - from) / total) * 100)}%`;
  return svg("rect", { class: kind, x: `${Math.min(start, 99.65)}%`, width, y: kind === "first" ? 0 : 2, height: kind === "first" ? 14 : 10, rx: 2 });
}

function grid() {
  return Array.from({ length: TICKS + 1 }, (_, at) => {
    const x = `${(at / TICKS) * 100}%`;
    return svg("line", { class: "grid", x1: x, x2: x, y1: 0, y2: 14 });
  });
}

function scale(total) {
  const marks = Array.from({ length: TICKS + 1 }, (_, at) => at).map((at) =>
    svg("text", {
      x: `${(at / TICKS) * 100}%`, y: 11, class: at === 0 || at === TICKS ? "tickmark" : "tickmark inner",
      "text-anchor": at === 0 ? "start" : at === TICKS ? "end" : "middle",
    }, at === 0 ? "0" : seconds((total * at) / TICKS)));
  return svg("svg", { "aria-hidden": "true", width: "100%", height: 14 }, ...marks);
}

// The key that is sent with each request. It lives as long as the tab.

import { byId } from "./dom.js";
import { storage } from "./storage.js";

const NAME = "jackfield-key";
const ASK = "This gateway demands a key. ";
const REFUSED = "The gateway refused this key. ";
const kept = storage("sessionStorage");
const changed = new Set();
let intro = "";

export const key = () => kept.getItem(NAME) ?? "";

/** Call back when another key is to be used. */
export const onKey = (callback) => changed.add(callback);

/** Whether it is being asked for. */
export const asked = () => byId("key-dialog").open;

/** Ask for a key, unless it is being asked for. */
export function askForKey(wanted = true) {
  if (asked()) return;
  byId("key-text").firstChild.data = (wanted ? (key() ? REFUSED : ASK) : "") + intro;
  byId("key-input").value = key();
  byId("key-dialog").showModal();
  byId("key-input").focus();
}

export function startKey() {
  intro = byId("key-text").firstChild.data;
  byId("key-button").addEventListener("click", () => askForKey(false));
  byId("key-cancel").addEventListener("click", () => byId("key-dialog").close());
  byId("key-forget").addEventListener("click", () => use(""));
  byId("key-form").addEventListener("submit", (event) => {
    event.preventDefault();
    use(byId("key-input").value.trim());
  });
  show();
}

function use(given) {
  if (given) kept.setItem(NAME, given);
  else kept.removeItem(NAME);
  byId("key-dialog").close();
  show();
  changed.forEach((callback) => callback());
}

function show() {
  byId("key-button").textContent = key() ? "Key set" : "Key";
}

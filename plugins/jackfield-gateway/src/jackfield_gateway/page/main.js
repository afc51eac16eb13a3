// The page: its two views, and which of them is shown.

import { byId } from "./dom.js";
import { showInspector, startInspector } from "./inspector.js";
import { startKey } from "./key.js";
import { startPlayground } from "./playground.js";
import { tabs } from "./tabs.js";
import { startTheme } from "./theme.js";

startTheme();
startKey();
startPlayground();
startInspector();

let wanted = null;
const show = tabs(byId("views"), (id) => {
  if (!location.hash.startsWith(`#${id}`)) history.replaceState(null, "", `#${id}`);
  showInspector(id === "inspector", wanted);
});

/** `#playground`, `#inspector`, `#inspector/ID of a call` */
function visit() {
  const [view, id = ""] = location.hash.slice(1).split("/");
  wanted = id ? decoded(id) : null;
  show(view === "inspector" ? "inspector" : "playground");
  wanted = null;
}

function decoded(id) {
  try {
    return decodeURIComponent(id);
  } catch {
    return id;
  }
}

addEventListener("hashchange", visit);
visit();

// What is sent and what came, as JSON, and the request as a command and as a program.

import { byId, pretty } from "./dom.js";
import { curl, python } from "./snippet.js";
import { tabs } from "./tabs.js";

let shown = "request";

export function startWire() {
  tabs(byId("wires"), (id) => { shown = id; });
  byId("copy").addEventListener("click", () => copy(byId(shown), byId("copy")));
}

/** Show the request as it would be sent now. */
export function showRequest(request) {
  byId("request").textContent = pretty(request);
  byId("curl").textContent = curl(request, location.origin);
  byId("python").textContent = python(request, location.origin);
}

/** Show what came: a head of lines, and a body. */
export function showResponse(head, body) {
  const lines = head.filter(Boolean).join("\n");
  byId("response").textContent = body === null ? lines : `${lines}\n\n${pretty(body)}`;
}

/** Copy the text of an element; where the browser does not allow it, select it. */
export async function copy(node, button) {
  const label = button.dataset.label ??= button.textContent;
  try {
    await navigator.clipboard.writeText(node.textContent);
    button.textContent = "Copied";
  } catch {
    getSelection().selectAllChildren(node);
    button.textContent = "Selected";
  }
  setTimeout(() => { button.textContent = label; }, 1500);
}

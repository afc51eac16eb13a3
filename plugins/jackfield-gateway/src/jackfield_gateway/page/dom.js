// Elements. All text becomes text nodes: nothing here, and nothing that uses it, parses HTML.

export const byId = (id) => document.getElementById(id);

/** An element with attributes and children. A function as an attribute listens to the event of that name. */
export function el(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** The same in SVG. */
export function svg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

/** What is shown of a value that others sent: text, whatever it is. */
export function text(value) {
  if (value === null || value === undefined) return "";
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** A value as JSON for people. */
export const pretty = (value) => JSON.stringify(value, null, 2) ?? "";

/** A control and its label, and what is said about it. */
export function field(id, label, control, help = null) {
  control.id = id;
  const note = el("small", { id: `${id}-note`, class: "dim" }, help ?? "");
  control.setAttribute("aria-describedby", note.id);
  return el("div", { class: "field" }, el("label", { for: id }, label), control, note);
}

/** A list to choose from: pairs of value and text. */
export function choice(pairs, attributes = {}) {
  return el("select", attributes, ...pairs.map(([value, shown]) => el("option", { value }, shown)));
}

/** Whether what scrolls stands at its end, within a line or two. */
export const atEnd = (node) => node.scrollHeight - node.scrollTop - node.clientHeight < 48;

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") node.addEventListener(name, value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, String(value));
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

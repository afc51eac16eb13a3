// Tabs. WAI-ARIA Authoring Practices, "Tabs": arrows move, the one that has the focus is shown.

const STEPS = { ArrowRight: 1, ArrowLeft: -1 };

/** Make a list of tabs work; `shown` is called with the id of the panel. Returns what shows a panel. */
export function tabs(list, shown = () => {}) {
  const all = [...list.querySelectorAll("[role=tab]")];
  const show = (id) => {
    for (const tab of all) {
      const own = tab.getAttribute("aria-controls");
      tab.setAttribute("aria-selected", String(own === id));
      tab.tabIndex = own === id ? 0 : -1;
      document.getElementById(own).hidden = own !== id;
    }
    shown(id);
  };
  list.addEventListener("click", (event) => {
    const tab = event.target.closest("[role=tab]");
    if (tab) show(tab.getAttribute("aria-controls"));
  });
  list.addEventListener("keydown", (event) => {
    const at = all.indexOf(document.activeElement);
    if (at < 0) return;
    const next = { Home: 0, End: all.length - 1 }[event.key] ?? at + (STEPS[event.key] ?? NaN);
    if (Number.isNaN(next)) return;
    event.preventDefault();
    const tab = all[(next + all.length) % all.length];
    show(tab.getAttribute("aria-controls"));
    tab.focus();
  });
  return show;
}

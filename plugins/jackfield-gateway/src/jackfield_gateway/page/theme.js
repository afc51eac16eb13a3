// Light, dark, or as the system has it.

import { byId } from "./dom.js";
import { storage } from "./storage.js";

const NAME = "jackfield-theme";
const kept = storage("localStorage");
const NEXT = { auto: "light", light: "dark", dark: "auto" };

export function startTheme() {
  const button = byId("theme-button");
  let theme = kept.getItem(NAME);
  const show = () => {
    document.documentElement.dataset.theme = theme;
    button.textContent = theme === "auto" ? "Auto" : theme === "light" ? "Light" : "Dark";
    button.setAttribute("aria-label", `Theme: ${theme}`);
  };
  theme = theme in NEXT ? theme : "auto";
  button.addEventListener("click", () => {
    theme = NEXT[theme];
    kept.setItem(NAME, theme);
    show();
  });
  show();
}

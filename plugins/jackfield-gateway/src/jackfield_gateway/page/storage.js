// What the browser keeps for the page.

/** `localStorage` or `sessionStorage`; where the browser refuses it, texts that live as long as the page. */
export function storage(kind) {
  const texts = new Map();
  try {
    window[kind].getItem("");
    return window[kind];
  } catch {
    return {
      getItem: (name) => texts.get(name) ?? null,
      setItem: (name, text) => texts.set(name, text),
      removeItem: (name) => texts.delete(name),
    };
  }
}

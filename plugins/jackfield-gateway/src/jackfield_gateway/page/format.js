// Numbers and times for people.

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
const whole = new Intl.NumberFormat("en");
const known = (value) => typeof value === "number" && Number.isFinite(value);

/** Seconds: `340 µs`, `12 ms`, `1.24 s`, `3 min 5 s`. */
export function seconds(value) {
  if (!known(value)) return "–";
  if (value < 0.001) return `${Math.round(value * 1e6)} µs`;
  if (value < 1) return `${(value * 1000).toFixed(value < 0.01 ? 1 : 0)} ms`;
  if (value < 60) return `${value.toFixed(2)} s`;
  const all = Math.round(value);
  return `${Math.floor(all / 60)} min ${all % 60} s`;
}

/** A whole number with its thousands set apart. */
export const count = (value) => (known(value) ? whole.format(value) : "–");

/** A cost in the operator's currency, with as many digits as it needs. */
export function cost(value) {
  if (!known(value)) return "–";
  return value === 0 ? "0" : value < 0.01 ? value.toPrecision(2) : value.toFixed(value < 1 ? 4 : 2);
}

/** The time of day of seconds since 1970. */
export const time = (value) => (known(value) ? clock.format(new Date(value * 1000)) : "–");

/** The middle of numbers; null of none. */
export function median(values) {
  const sorted = values.filter(known).sort((one, other) => one - other);
  return sorted.length ? sorted[Math.floor(sorted.length / 2)] : null;
}

// Numbers, times and words as people read them.

const WHOLE = new Intl.NumberFormat("en");
const UNITS = ["B", "KB", "MB", "GB", "TB"];

export const number = (value) => WHOLE.format(value);

export function bytes(value) {
  let unit = 0;
  while (value >= 1000 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit && value < 100 ? value.toFixed(1) : Math.round(value)} ${UNITS[unit]}`;
}

export const speed = (value) => `${bytes(value)}/s`;

/** How long ago, coarse: "12 s", "3 min", "5 h", "9 days". */
export function ago(timeMs, nowMs = Date.now()) {
  if (!timeMs) return "–";
  const seconds = Math.max(0, Math.round((nowMs - timeMs) / 1000));
  if (seconds < 90) return `${seconds} s`;
  if (seconds < 90 * 60) return `${Math.round(seconds / 60)} min`;
  if (seconds < 36 * 3600) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86400)} days`;
}

export const instant = (timeMs) => (timeMs ? new Date(timeMs).toISOString().replace("T", " ").slice(0, 19) + " UTC" : "");

/** SOURCE_UNAVAILABLE -> Source unavailable; mixed case is left alone but for spaces: AclSync -> Acl sync. */
export function words(code) {
  const plain = /[a-z]/.test(code) ? code.replace(/[a-z](?=[A-Z])/g, "$& ").replaceAll(/[_-]/g, " ") : code.replaceAll(/[_-]/g, " ");
  return (plain.charAt(0).toUpperCase() + plain.slice(1).toLowerCase()).replace(/^Acl\b/, "ACL");
}

export const plural = (count, one, many = `${one}s`) => `${number(count)} ${count === 1 ? one : many}`;

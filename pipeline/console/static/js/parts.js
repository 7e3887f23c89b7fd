// Small things that many pages show.

import { h } from "./dom.js";
import { ago, instant, number, words } from "./format.js";

const TONES = {
  ACTIVE: "good",
  PAUSED: "calm",
  LINK_PAUSED: "calm",
  STOPPED: "over",
  NOT_CONFIGURED: "over",
  NOT_APPLICABLE: "over",
  UNAVAILABLE: "bad",
  SOURCE_UNAVAILABLE: "bad",
  LINK_UNAVAILABLE: "bad",
  LINK_FAILED: "bad",
  FAILED: "bad",
  IN_ERROR: "bad",
};

export const tone = (state) => TONES[state] ?? "busy";

/** A state as colour and word; the word alone says everything. */
export function pill(state, more = "") {
  return h("span", { class: `pill ${tone(state)}`, "data-state": state, title: state }, words(state), more && ` · ${more}`);
}

export function since(timeMs) {
  if (!timeMs) return h("span", { class: "muted" }, "–");
  return h("time", { datetime: new Date(timeMs).toISOString(), title: instant(timeMs) }, ago(timeMs));
}

/** What the server says is wrong, with its code. */
export function refusal(code, message, role = "alert") {
  return h(
    "div",
    { class: "notice bad", role },
    code ? h("code", { class: "code" }, String(code)) : null,
    h("p", { class: "lines" }, message || "No message."),
  );
}

const CATEGORIES = [
  ["ACTIVE", "good", "active"],
  ["PENDING", "busy", "pending"],
  ["PAUSED", "calm", "paused"],
  ["IN_ERROR", "bad", "in error"],
  ["NOT_APPLICABLE", "over", "stopped"],
];

/** Partitions per category as one bar, and in words. */
export function categories(counts) {
  const of = Object.fromEntries(counts.map((row) => [row.state_category, row.count]));
  const shown = CATEGORIES.filter(([name]) => of[name] > 0);
  const total = shown.reduce((sum, [name]) => sum + of[name], 0);
  if (!total) return h("span", { class: "muted" }, "no partitions");
  let at = 0;
  const bars = shown.map(([name, colour]) => {
    const width = Math.max(1.5, (of[name] / total) * 100);
    const bar = h("rect", { x: at, y: 0, width, height: 8, class: `fill ${colour}` });
    at += width;
    return bar;
  });
  const text = shown.map(([name, , word]) => `${number(of[name])} ${word}`).join(", ");
  return h(
    "span",
    { class: "categories", title: `Partitions: ${text}` },
    h("svg", { viewBox: `0 0 ${Math.max(100, at)} 8`, preserveAspectRatio: "none", "aria-hidden": "true" }, bars),
    h("span", { class: "small muted" }, text),
  );
}

/** A recent course as a line. The newest value is at the right edge. */
export function sparkline(values, label, { width = 96, height = 22, room = 60 } = {}) {
  const most = Math.max(...values, 1);
  const step = width / Math.max(1, room - 1);
  const begin = width - step * (values.length - 1);
  const point = (value, index) => `${(begin + index * step).toFixed(1)},${(height - 2 - (value / most) * (height - 4)).toFixed(1)}`;
  const points = values.map(point);
  const latest = values.at(-1) ?? 0;
  const text = values.length ? `${label}: now ${number(latest)}, most ${number(Math.max(...values))}` : `${label}: nothing yet`;
  return h(
    "svg",
    { class: most === 1 && !values.some(Boolean) ? "spark still" : "spark", viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": text, preserveAspectRatio: "none" },
    h("title", {}, text),
    points.length > 1
      ? h("polygon", { class: "under", points: `${begin.toFixed(1)},${height} ${points.join(" ")} ${width},${height}` })
      : null,
    points.length > 1 ? h("polyline", { points: points.join(" ") }) : h("line", { x1: 0, x2: width, y1: height - 2, y2: height - 2 }),
  );
}

/** A table that scrolls by itself where it does not fit; the keyboard can scroll it too. */
export function scrolling(label, table) {
  return h("div", { class: "scroll", role: "region", "aria-label": label, tabindex: "0" }, table);
}

export function facts(pairs) {
  return h(
    "dl",
    { class: "facts" },
    pairs.filter(Boolean).map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))),
  );
}

export function crumbs(...steps) {
  return h(
    "nav",
    { class: "crumbs", "aria-label": "Where you are" },
    h("ol", {}, steps.map(([text, href]) => h("li", {}, href ? h("a", { href }, text) : h("span", { "aria-current": "page" }, text)))),
  );
}

export const href = (...parts) => `#/${parts.map(encodeURIComponent).join("/")}`;

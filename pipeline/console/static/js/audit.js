// Who asked for what, and what came of it.

import { audit } from "./api.js";
import { h } from "./dom.js";
import { href, pill, scrolling, since } from "./parts.js";

export function auditPage() {
  let lines = null;
  return {
    title: "Audit",
    load: async (signal) => (lines = (await audit("", signal)).audit),
    hasData: () => lines !== null,
    view: () =>
      h(
        "div",
        {},
        h("header", { class: "page" }, h("h1", {}, "Audit"), h("p", { class: "muted" }, "The latest commands over all links, whichever way they came. The whole log is the audit topic.")),
        auditTable(lines, true),
      ),
  };
}

export function auditTable(lines, withLink = false) {
  if (!lines.length) return h("p", { class: "empty card" }, "No command has been answered yet.");
  return scrolling(
    "Commands and what came of them",
    h(
      "table",
      { class: "audit" },
      h("thead", {}, h("tr", {}, ["When", "Who", "What", withLink ? "Link" : null, "Result"].filter(Boolean).map((text) => h("th", { scope: "col" }, text)))),
      h(
        "tbody",
        {},
        lines.map((line) =>
          h(
            "tr",
            { key: `${line.id}/${line.time_ms}` },
            h("td", {}, since(line.time_ms), " ago"),
            h("td", {}, (line.principal || "–").replace(/^User:/, "")),
            h("td", {}, h("code", {}, line.kind), line.validate_only ? h("span", { class: "muted" }, " dry run") : null, h("div", { class: "small muted lines" }, asked(line.request))),
            withLink ? h("td", {}, h("a", { href: href("links", line.link) }, line.link)) : null,
            h(
              "td",
              {},
              line.error_code === null
                ? accepted(line.refused ?? {})
                : [pill("FAILED", String(line.error_code)), h("div", { class: "small lines" }, line.message ?? "")],
            ),
          ),
        ),
      ),
    ),
  );
}

const MOST = 300;

/** A command on several mirrors is accepted also where single ones are refused. */
function accepted(refused) {
  const topics = Object.keys(refused);
  if (!topics.length) return h("span", { class: "good-text" }, "accepted");
  const named = topics.slice(0, 5).map((topic) => `${topic}: ${refused[topic]}`);
  return h("span", { class: "bad-text lines" }, `${topics.length} refused: ${named.join(", ")}${topics.length > named.length ? ", …" : ""}`);
}

function asked(request) {
  const text = Object.entries(request ?? {})
    .map(([name, value]) => `${name}: ${typeof value === "string" ? value : JSON.stringify(value)}`)
    .join(", ");
  return text.length > MOST ? `${text.slice(0, MOST)} …` : text;
}

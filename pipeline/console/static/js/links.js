// The first page: every link at a glance.

import { overview } from "./api.js";
import { h } from "./dom.js";
import { number, plural, speed, words } from "./format.js";
import { categories, href, pill, scrolling, since, sparkline } from "./parts.js";
import { isOperator } from "./session.js";

export function linksPage() {
  let found = null;
  return {
    title: "Links",
    load: async (signal) => (found = await overview(signal)),
    hasData: () => found !== null,
    view: () => h("div", {}, head(found.links), found.links.length ? table(found.links) : nothingYet()),
  };
}

function head(links) {
  const sum = (value) => links.reduce((total, link) => total + value(link), 0);
  const broken = sum((link) => link.category_counts.find((row) => row.state_category === "IN_ERROR")?.count ?? 0);
  const tile = (name, value, colour = "") => h("div", { class: colour }, h("dt", {}, name), h("dd", {}, value));
  return h(
    "header",
    { class: "page" },
    h("h1", {}, "Links"),
    isOperator() && links.length ? h("a", { class: "button primary", href: "#/new-link" }, "Create link") : null,
    links.length
      ? h(
          "dl",
          { class: "tiles" },
          tile("Links", number(links.length)),
          tile("Mirrors", number(sum((link) => link.num_mirrors))),
          tile("Partitions in error", number(broken), broken ? "bad" : ""),
          tile("Lag, records", number(sum((link) => link.lag))),
          tile("Throughput", speed(sum((link) => link.bytes_per_second))),
        )
      : null,
  );
}

function table(links) {
  return scrolling(
    "All links",
    h(
      "table",
      {},
      h(
        "thead",
        {},
        h("tr", {}, h("th", { scope: "col", class: "narrow" }, "State"), h("th", { scope: "col" }, "Link"), h("th", { scope: "col" }, "Partitions by state"),
          h("th", { scope: "col", class: "figure narrow" }, "Mirrors"),
          h("th", { scope: "col", class: "figure narrow" }, "Lag"),
          h("th", { scope: "col", class: "figure narrow" }, "Throughput"),
          h("th", { scope: "col", class: "wide narrow" }, "Last minutes"),
          h("th", { scope: "col", class: "wide figure narrow" }, "In state for")),
      ),
      h("tbody", {}, links.map(row)),
    ),
  );
}

function row(link) {
  return h(
    "tr",
    { key: link.link_name },
    h("td", {}, pill(link.link_state)),
    h(
      "th",
      { scope: "row" },
      h("a", { href: href("links", link.link_name) }, link.link_name),
      h("div", { class: "small muted" }, `${words(link.link_mode)}${link.connection_mode === "INBOUND" ? ", inbound" : ""}`,
        link.remote_cluster_id ? [" · ", h("code", {}, link.remote_cluster_id)] : null),
      link.link_error !== "NO_ERROR" ? h("div", { class: "small bad-text" }, h("code", {}, link.link_error), " ", link.link_error_message) : null,
      link.tasks_in_error.length
        ? h("div", { class: "small bad-text" }, h("a", { href: href("links", link.link_name, "tasks") }, `${plural(link.tasks_in_error.length, "task")} in error`), `: ${link.tasks_in_error.map(words).join(", ")}`)
        : null,
    ),
    h("td", {}, categories(link.category_counts)),
    h("td", { class: "figure" }, number(link.num_mirrors)),
    h("td", { class: "figure" }, number(link.lag)),
    h("td", { class: "figure" }, speed(link.bytes_per_second)),
    h("td", { class: "wide" }, sparkline(link.bytes_per_second_course, "Throughput of the last minutes in bytes per second")),
    h("td", { class: "wide figure" }, since(link.state_time_ms)),
  );
}

function nothingYet() {
  return h(
    "section",
    { class: "empty card" },
    h("h2", {}, "No link yet"),
    h("p", {}, "A link says where the source cluster is and how to reach it. Its mirrors are topics of this cluster that are the same log as their source: same partitions, same offsets, same bytes."),
    isOperator()
      ? h("p", {}, h("a", { class: "button primary", href: "#/new-link" }, "Create the first link"))
      : h("p", { class: "muted" }, "Your role is reader; an operator can create one."),
    h("p", { class: "small muted" }, "Or at the command line:"),
    h("pre", { tabindex: "0", "aria-label": "Command" }, "clusterlink link create east --source-bootstrap-server kafka-a.example.com:9092"),
  );
}

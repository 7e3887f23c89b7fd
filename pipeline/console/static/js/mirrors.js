// A list of mirrors: searched, filtered, sorted and paged by the worker, so that thousands are as quick as ten.

import { mirrorPage, operationTable } from "./api.js";
import { h, say } from "./dom.js";
import { number, plural, speed, words } from "./format.js";
import { openOperation } from "./operate.js";
import { href, pill, scrolling, since, sparkline } from "./parts.js";
import { isOperator } from "./session.js";

const ROWS = 50;
const TYPING_MS = 250;
const EVERY = 10000;
const DESCENDING_FIRST = new Set(["lag", "speed", "since", "partitions"]);

/** `link`: of one link only. `changed` is called when something is to be drawn anew. */
export function mirrorList({ link = "", changed, empty = null }) {
  const asked = { search: "", status: "", sort: "name", order: "asc", offset: 0, ...fromAddress() };
  const selected = new Map();
  let found = null;
  let operations = [];
  let typing = 0;

  async function load(signal) {
    operations = await operationTable();
    const answer = await mirrorPage({ link, ...asked, limit: ROWS }, signal);
    if (answer.mirrors.length === 0 && answer.total > 0) {
      asked.offset = 0;
      return load(signal);
    }
    found = answer;
    for (const row of found.mirrors) if (selected.has(id(row))) selected.set(id(row), row);
  }

  async function again(what) {
    toAddress(asked);
    try {
      await load();
    } catch (error) {
      return say(error.message);
    }
    changed();
    if (what) say(what());
  }

  function set(values, what) {
    Object.assign(asked, { offset: 0 }, values);
    return again(what);
  }

  function sortBy(name) {
    const first = DESCENDING_FIRST.has(name) ? "desc" : "asc";
    const other = first === "asc" ? "desc" : "asc";
    const order = asked.sort === name && asked.order === first ? other : first;
    set({ sort: name, order }, () => `Sorted by ${name}, ${order === "asc" ? "ascending" : "descending"}`);
  }

  function choose(row, isChosen) {
    if (isChosen) selected.set(id(row), row);
    else selected.delete(id(row));
    changed();
  }

  async function chooseAll() {
    const all = await mirrorPage({ link, ...asked, offset: 0, limit: EVERY, include_course: "false" });
    for (const row of all.mirrors) selected.set(id(row), row);
    changed();
    say(`${plural(selected.size, "mirror")} selected`);
  }

  function toolbar() {
    const all = Object.values(found.status_counts).reduce((sum, count) => sum + count, 0);
    const chip = (status, text, count) =>
      h("button", { type: "button", class: "chip", key: status, "aria-pressed": String(asked.status === status), onclick: () => set({ status }, total) }, text, " ", h("span", { class: "count" }, number(count)));
    const shown = Object.entries(found.status_counts);
    if (asked.status && !found.status_counts[asked.status]) shown.push([asked.status, 0]);
    return h(
      "div",
      { class: "toolbar", role: "search" },
      h("input", {
        type: "search",
        value: asked.search,
        placeholder: "Search topics",
        "aria-label": "Search mirrors by topic name",
        oninput: (event) => {
          asked.search = event.target.value;
          clearTimeout(typing);
          typing = setTimeout(() => set({}, total), TYPING_MS);
        },
      }),
      h("div", { class: "chips", role: "group", "aria-label": "Filter by state" }, chip("", "All", all), shown.map(([status, count]) => chip(status, words(status), count))),
    );
  }

  const total = () => `${plural(found.total, "mirror")} found`;

  function heading(name, text, kind = "") {
    const isSorted = asked.sort === name;
    return h(
      "th",
      { scope: "col", class: kind, "aria-sort": isSorted ? (asked.order === "asc" ? "ascending" : "descending") : null },
      h("button", { type: "button", class: "sort", onclick: () => sortBy(name) }, text, h("span", { "aria-hidden": "true" }, isSorted ? (asked.order === "asc" ? " ▲" : " ▼") : "")),
    );
  }

  function table() {
    const shown = found.mirrors;
    const count = shown.filter((row) => selected.has(id(row))).length;
    const onAll = (event) => {
      for (const row of shown) if (event.target.checked) selected.set(id(row), row);
        else selected.delete(id(row));
      changed();
    };
    return scrolling(
      "Mirrors",
      h(
        "table",
        {},
        h(
          "thead",
          {},
          h(
            "tr",
            {},
            isOperator()
              ? h("th", { scope: "col", class: "tick" }, h("input", { type: "checkbox", "aria-label": "Select all on this page", checked: count > 0 && count === shown.length, indeterminate: count > 0 && count < shown.length, onchange: onAll }))
              : null,
            heading("status", "State", "narrow"),
            heading("name", "Mirror"),
            link ? null : heading("link", "Link", "wide"),
            heading("partitions", "Partitions", "figure wide narrow"),
            heading("lag", "Lag", "figure narrow"),
            h("th", { scope: "col", class: "wide narrow" }, "Last minutes"),
            heading("speed", "Throughput", "figure wide narrow"),
            heading("since", "In state for", "figure wide narrow"),
          ),
        ),
        h("tbody", {}, shown.map(row)),
      ),
    );
  }

  function row(mirror) {
    const isBad = mirror.mirror_topic_error !== "NO_ERROR" && mirror.mirror_topic_error !== "NOT_SET";
    return h(
      "tr",
      { key: id(mirror), class: selected.has(id(mirror)) ? "chosen" : null },
      isOperator()
        ? h("td", { class: "tick" }, h("input", { type: "checkbox", "aria-label": `Select ${mirror.mirror_topic_name}`, checked: selected.has(id(mirror)), onchange: (event) => choose(mirror, event.target.checked) }))
        : null,
      h("td", {}, pill(mirror.mirror_status, mirror.pending_operation ? words(mirror.pending_operation).toLowerCase() : "")),
      h(
        "th",
        { scope: "row" },
        h("a", { href: href("links", mirror.link_name, "mirrors", mirror.mirror_topic_name) }, mirror.mirror_topic_name),
        link ? null : h("div", { class: "small muted only-narrow" }, mirror.link_name),
        mirror.source_topic_name !== mirror.mirror_topic_name ? h("div", { class: "small muted" }, "from ", mirror.source_topic_name) : null,
        isBad ? h("div", { class: "small bad-text" }, h("code", {}, mirror.mirror_topic_error), " ", mirror.mirror_topic_error_message) : null,
        mirror.partitions_in_error ? h("div", { class: "small bad-text" }, `${plural(mirror.partitions_in_error, "partition")} in error`) : null,
        mirror.transition_errors ? h("div", { class: "small bad-text" }, `${plural(mirror.transition_errors, "error")} in its change of state`) : null,
      ),
      link ? null : h("td", { class: "wide" }, h("a", { href: href("links", mirror.link_name) }, mirror.link_name)),
      h("td", { class: "figure wide" }, number(mirror.num_partitions)),
      h("td", { class: `figure ${mirror.mirror_status === "STOPPED" ? "muted" : mirror.lag ? "strong" : ""}` }, number(mirror.lag)),
      h("td", { class: "wide" }, mirror.mirror_status === "STOPPED" ? h("span", { class: "muted" }, "–") : sparkline(mirror.lag_course, "Lag of the last minutes in records")),
      h("td", { class: "figure wide" }, mirror.mirror_status === "STOPPED" ? h("span", { class: "muted" }, "–") : speed(mirror.bytes_per_second)),
      h("td", { class: "figure wide" }, since(mirror.state_time_ms)),
    );
  }

  function bar() {
    if (!isOperator() || !selected.size) return null;
    const rows = [...selected.values()];
    const buttons = operations
      .map((operation) => [operation, rows.filter((one) => one.operations.includes(operation.operation))])
      .filter(([, fit]) => fit.length)
      .map(([operation, fit]) =>
        h(
          "button",
          { type: "button", key: operation.operation, class: operation.operation === "delete" ? "danger" : "", title: operation.sentence, onclick: () => openOperation(operation, rows, () => selected.clear()) },
          words(operation.operation.replace("-mirror", "")),
          fit.length < rows.length ? h("span", { class: "count" }, ` ${number(fit.length)}`) : null,
        ),
      );
    return h(
      "div",
      { class: "bar", role: "group", "aria-label": "What to do with the selected mirrors", key: "bar" },
      h("strong", {}, `${plural(selected.size, "mirror")} selected`),
      selected.size < found.total ? h("button", { type: "button", class: "quiet", onclick: chooseAll }, `Select all ${number(found.total)}`) : null,
      buttons,
      h("button", { type: "button", class: "quiet", onclick: () => (selected.clear(), changed(), say("Nothing selected")) }, "Clear"),
    );
  }

  function pager() {
    const last = Math.min(asked.offset + ROWS, found.total);
    const to = (offset, text, isOff) =>
      h("button", { type: "button", disabled: isOff, onclick: () => ((asked.offset = offset), again(() => `Rows ${offset + 1} to ${Math.min(offset + ROWS, found.total)} of ${found.total}`)) }, text);
    return h(
      "nav",
      { class: "pager", "aria-label": "Pages of mirrors" },
      h("span", { class: "muted" }, found.total ? `${number(asked.offset + 1)} to ${number(last)} of ${number(found.total)}` : "None"),
      found.total > ROWS ? [to(Math.max(0, asked.offset - ROWS), "Previous", asked.offset === 0), to(asked.offset + ROWS, "Next", last >= found.total)] : null,
    );
  }

  function view() {
    const none = found.total === 0 && !asked.search && !asked.status;
    if (none) return empty ? empty() : h("p", { class: "empty card" }, "No mirrors yet. Open a link and create the first one there. ", h("a", { href: "#/" }, "All links"));
    return h(
      "div",
      { class: "list" },
      toolbar(),
      bar(),
      found.total ? table() : h("p", { class: "empty card" }, "No mirror fits the search and the filter. ", h("button", { type: "button", class: "quiet", onclick: () => set({ search: "", status: "" }, total) }, "Show all")),
      pager(),
    );
  }

  return { load, view, hasData: () => found !== null };
}

const id = (row) => `${row.link_name}/${row.mirror_topic_name}`;

const KEPT = ["search", "status", "sort", "order"];

/** What is searched for is part of the address: it can be kept and sent to others. */
function fromAddress() {
  const given = new URLSearchParams(location.hash.split("?")[1] ?? "");
  const known = Object.fromEntries(KEPT.filter((name) => given.has(name)).map((name) => [name, given.get(name)]));
  const offset = Number.parseInt(given.get("offset"), 10);
  return offset > 0 ? { ...known, offset } : known;
}

function toAddress(asked) {
  const given = new URLSearchParams(KEPT.filter((name) => asked[name]).map((name) => [name, asked[name]]));
  if (asked.offset) given.set("offset", String(asked.offset));
  history.replaceState(null, "", `${location.hash.split("?")[0] || "#/"}?${given}`);
}

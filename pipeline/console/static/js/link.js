// One link: its mirrors, properties, tasks, history and audit.

import { alterLink, audit, configs, link as askLink, mirrorPage, overview, propertyTable } from "./api.js";
import { auditTable } from "./audit.js";
import { h, say } from "./dom.js";
import { number, plural, speed, words } from "./format.js";
import { mirrorList } from "./mirrors.js";
import { openLinkDeletion } from "./operate.js";
import { categories, crumbs, facts, href, pill, refusal, scrolling, since, sparkline } from "./parts.js";
import { isOperator } from "./session.js";

const TABS = ["mirrors", "properties", "tasks", "history", "audit"];
const ALL = 10000;

export function linkPage(name, tab) {
  const made = { title: tab === "mirrors" ? name : `${name}: ${tab}` };
  const list = mirrorList({ link: name, changed: () => made.redraw?.(), empty: () => nothingYet(name) });
  let row = null;
  let link = null;
  let wrong = null;
  const seen = {};

  const loads = {
    mirrors: list.load,
    properties: async (signal) => Object.assign(seen, { table: await propertyTable(), configs: await configs(name, signal) }),
    tasks: async () => {},
    history: async (signal) =>
      (seen.stopped = (await mirrorPage({ link: name, status: "STOPPED", sort: "since", order: "desc", limit: ALL, include_course: "false" }, signal)).mirrors),
    audit: async (signal) => (seen.audit = (await audit(name, signal)).audit),
  };
  const views = {
    mirrors: () => list.view(),
    properties: () => propertiesView(name, seen.table, seen.configs),
    tasks: () => tasksView(link.tasks),
    history: () => historyView(seen.stopped),
    audit: () => auditTable(seen.audit),
  };

  async function load(signal) {
    if (!TABS.includes(tab)) throw new Error(`A link has no page '${tab}'.`);
    const [all, one] = await Promise.all([overview(signal), askLink(name, signal), loads[tab](signal)]);
    row = all.links.find((each) => each.link_name === name);
    link = one;
  }

  async function pause(isPaused) {
    wrong = null;
    try {
      await alterLink(name, [{ name: "cluster.link.paused", value: String(isPaused), operation: "SET" }], false);
      say(isPaused ? "Link paused" : "Link resumed");
    } catch (error) {
      wrong = error;
    }
    document.dispatchEvent(new Event("clusterlink:changed"));
  }

  function head() {
    const isPaused = row.link_state === "PAUSED";
    const counts = row.mirror_status_counts;
    const live = row.num_mirrors - (counts.STOPPED ?? 0);
    return h(
      "header",
      { class: "page" },
      crumbs(["Links", "#/"], [name]),
      h("h1", {}, name, " ", pill(row.link_state)),
      isOperator()
        ? h(
            "div",
            { class: "actions" },
            row.link_mode === "SOURCE" ? null : h("a", { class: "button primary", href: href("links", name, "new-mirrors") }, "Create mirrors"),
            h("a", { class: "button", href: href("links", name, "edit") }, "Edit properties"),
            h("button", { type: "button", onclick: () => pause(!isPaused) }, isPaused ? "Resume link" : "Pause link"),
            h("button", { type: "button", class: "danger", onclick: () => openLinkDeletion(name, live, () => (location.hash = "#/")) }, "Delete link"),
          )
        : null,
      wrong ? refusal(wrong.code, wrong.message) : null,
      row.link_error !== "NO_ERROR" ? refusal(row.link_error, row.link_error_message, "status") : null,
      facts([
        ["Mode", `${words(row.link_mode)}, ${words(row.connection_mode).toLowerCase()}`],
        ["Remote cluster", h("code", {}, row.remote_cluster_id ?? "not known")],
        ["Link id", h("code", {}, row.cluster_link_id)],
        row.prefix ? ["Prefix", h("code", {}, row.prefix)] : null,
        ["In state for", since(row.state_time_ms)],
        ["Lag", `${number(row.lag)} records`],
        ["Throughput", h("span", { class: "with-spark" }, speed(row.bytes_per_second), sparkline(row.bytes_per_second_course, "Throughput of the last minutes in bytes per second"))],
        ["Partitions", categories(row.category_counts)],
      ]),
    );
  }

  function tabs() {
    const counts = { mirrors: row.num_mirrors, history: row.mirror_status_counts.STOPPED ?? 0 };
    const broken = row.tasks_in_error.length;
    return h(
      "nav",
      { class: "tabs", "aria-label": `Parts of link ${name}` },
      TABS.map((each) =>
        h(
          "a",
          { href: href("links", name, each), "aria-current": each === tab ? "page" : null },
          words(each),
          counts[each] === undefined ? null : h("span", { class: "count" }, ` ${number(counts[each])}`),
          each === "tasks" && broken ? h("span", { class: "count bad-text" }, ` ${plural(broken, "error")}`) : null,
        ),
      ),
    );
  }

  return Object.assign(made, {
    load,
    hasData: () => row !== null && row !== undefined,
    view: () => h("div", {}, head(), tabs(), h("div", {}, views[tab]())),
  });
}

function propertiesView(name, table, values) {
  const of = Object.fromEntries(table.map((row) => [row.name, row]));
  const rows = [...values].sort((one, other) => one.is_default - other.is_default);
  return h(
    "div",
    {},
    h("p", { class: "muted" }, "What was set comes first. Secrets are stored sealed and never shown. ", isOperator() ? h("a", { href: href("links", name, "edit") }, "Edit") : null),
    scrolling(
      "Properties",
      h(
        "table",
        { class: "properties" },
        h("thead", {}, h("tr", {}, ["Property", "Value", "From"].map((text) => h("th", { scope: "col" }, text)))),
        h(
          "tbody",
          {},
          rows.map((row) =>
            h(
              "tr",
              { key: row.name },
              h("th", { scope: "row" }, h("code", {}, row.name), h("div", { class: "small muted" }, of[row.name]?.sentence ?? "", of[row.name]?.note ? ` It ${of[row.name].note}.` : "")),
              h("td", {}, value(row)),
              h("td", {}, row.is_default ? h("span", { class: "muted" }, "default") : "set", row.is_read_only ? h("div", { class: "small muted" }, "fixed") : null),
            ),
          ),
        ),
      ),
    ),
  );
}

function value(row) {
  if (row.is_sensitive) return row.is_default ? h("span", { class: "muted" }, "none") : h("span", { class: "muted" }, "set, not shown");
  if (row.value === null || row.value === "") return h("span", { class: "muted" }, "none");
  return h("code", { class: row.is_default ? "muted lines" : "lines" }, row.value);
}

function tasksView(tasks) {
  if (!tasks?.length) return h("p", { class: "empty card" }, "No task has reported yet.");
  return h(
    "div",
    { class: "cards" },
    tasks.map((task) =>
      h(
        "article",
        { class: "card", key: task.task_name },
        h("h2", {}, words(task.task_name), " ", pill(task.state)),
        task.errors.map((error) => refusal(error.error_code, error.error_message, "status")),
        facts([
          ["Last run", task.last_run_ms ? [since(task.last_run_ms), " ago"] : "not yet"],
          task.last_run_ms ? ["Took", `${number(task.duration_ms)} ms`] : null,
          ...Object.entries(task.counts).map(([what, count]) => [words(what), number(count)]),
        ]),
      ),
    ),
  );
}

function historyView(stopped) {
  if (!stopped.length) return h("p", { class: "empty card" }, "No mirror of this link has stopped yet. Mirrors that were promoted or failed over are listed here until the link is deleted.");
  return scrolling(
    "Stopped mirrors",
    h(
      "table",
      {},
      h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Mirror"), h("th", { scope: "col" }, "Stopped"), h("th", { scope: "col", class: "figure" }, "Lag at the end"), h("th", { scope: "col" }, "Created"))),
      h(
        "tbody",
        {},
        stopped.map((row) =>
          h(
            "tr",
            { key: row.mirror_topic_name },
            h("th", { scope: "row" }, h("a", { href: href("links", row.link_name, "mirrors", row.mirror_topic_name) }, row.mirror_topic_name)),
            h("td", {}, since(row.state_time_ms), " ago"),
            h("td", { class: "figure" }, number(row.lag)),
            h("td", {}, since(row.created_ms), " ago"),
          ),
        ),
      ),
    ),
  );
}

function nothingYet(name) {
  return h(
    "section",
    { class: "empty card" },
    h("h2", {}, "No mirror yet"),
    h("p", {}, "A mirror is a topic of this cluster that is the same log as a topic of the source."),
    isOperator() ? h("p", {}, h("a", { class: "button primary", href: href("links", name, "new-mirrors") }, "Create mirrors")) : null,
    h("p", { class: "small muted" }, "Or at the command line:"),
    h("pre", { tabindex: "0", "aria-label": "Command" }, `clusterlink mirror create orders --link ${name}`),
  );
}

// One mirror: its state and errors, its recent course, its partitions.

import { mirror as askMirror, mirrorPage as askPage, operationTable } from "./api.js";
import { h } from "./dom.js";
import { number, plural, speed, bytes, words } from "./format.js";
import { openOperation } from "./operate.js";
import { crumbs, facts, href, pill, refusal, scrolling, since, sparkline } from "./parts.js";
import { isOperator } from "./session.js";

const WIDE = { width: 480, height: 90 };

export function mirrorPage(link, topic) {
  let row = null;
  let detail = null;
  let operations = [];

  async function load(signal) {
    operations = await operationTable();
    const [page, one] = await Promise.all([askPage({ link, name: topic }, signal), askMirror(link, topic, signal)]);
    row = page.mirrors[0] ?? null;
    detail = one;
  }

  function actions() {
    if (!isOperator()) return null;
    const gone = () => (location.hash = href("links", link));
    return h(
      "div",
      { class: "actions" },
      operations
        .filter((operation) => row.operations.includes(operation.operation))
        .map((operation) =>
          h(
            "button",
            {
              type: "button",
              key: operation.operation,
              class: operation.operation === "delete" ? "danger" : "",
              title: operation.sentence,
              onclick: () => (operation.operation === "delete" ? openOperation(operation, [row], gone, true) : openOperation(operation, [row])),
            },
            words(operation.operation.replace("-mirror", "")),
          ),
        ),
    );
  }

  function view() {
    const isBad = !["NO_ERROR", "NOT_SET"].includes(detail.mirror_topic_error);
    const transition = detail.mirror_state_transition_errors ?? [];
    return h(
      "div",
      {},
      h(
        "header",
        { class: "page" },
        crumbs(["Links", "#/"], [link, href("links", link)], [topic]),
        h("h1", {}, topic, " ", pill(row.mirror_status, row.pending_operation ? words(row.pending_operation).toLowerCase() : "")),
        actions(),
        isBad ? refusal(detail.mirror_topic_error, detail.mirror_topic_error_message, "status") : null,
        transition.length
          ? h("section", { "aria-label": "Errors in its change of state" }, h("h2", {}, "Its change of state meets errors"), transition.map((error) => refusal(error.error_code, error.error_message, "status")))
          : null,
        facts([
          ["Source topic", h("code", {}, detail.source_topic_name)],
          ["In state for", since(row.state_time_ms)],
          ["Created", row.created_ms ? [since(row.created_ms), " ago"] : "–"],
          ["Last fetch", row.last_fetch_ms ? [since(row.last_fetch_ms), " ago"] : "–"],
          ["Partitions", number(row.num_partitions)],
        ]),
      ),
      row.mirror_status === "STOPPED"
        ? null
        : h(
            "div",
            { class: "plots" },
            plot("Lag", `${number(row.lag)} records`, row.lag_course, "Lag of the last minutes in records"),
            plot("Throughput", speed(row.bytes_per_second), row.bytes_per_second_course, "Throughput of the last minutes in bytes per second", speed),
          ),
      h("h2", {}, "Partitions"),
      partitions(detail),
    );
  }

  return {
    title: `${topic} · ${link}`,
    load,
    hasData: () => row !== null,
    view: () => (row ? view() : h("p", { class: "empty card" }, "This mirror is not there any more. ", h("a", { href: href("links", link) }, "Its link"))),
  };
}

function plot(name, now, values, label, shown = number) {
  const most = Math.max(0, ...values);
  return h(
    "figure",
    { class: "card plot" },
    h("figcaption", {}, h("span", { class: "muted" }, name), " ", h("strong", {}, now)),
    sparkline(values, label, WIDE),
    h("div", { class: "small muted axis" }, h("span", {}, "5 min ago"), h("span", {}, `most ${shown(most)}`), h("span", {}, "now")),
  );
}

function partitions(detail) {
  const states = new Map((detail.partition_states ?? []).map((state) => [state.partition, state]));
  const figure = (text, kind = "") => h("td", { class: `figure ${kind}` }, text);
  const heading = (text, kind = "figure") => h("th", { scope: "col", class: kind }, text);
  const known = (value) => (value === undefined || value < 0 ? "–" : number(value));
  return scrolling(
    "Partitions",
    h(
      "table",
      {},
      h(
        "thead",
        {},
        h("tr", {}, heading("Partition"), heading("Log end here"), heading("End at source"), heading("Lag"), heading("Last fetch"), heading("Records", "figure wide"), heading("Bytes", "figure wide"), heading("Gap offsets", "figure wide"), heading("Worker", "wide")),
      ),
      h(
        "tbody",
        {},
        detail.mirror_lags.map((lag) => {
          const state = states.get(lag.partition);
          const isBad = state && !["NO_ERROR", "NOT_SET"].includes(state.error);
          return h(
            "tr",
            { key: lag.partition },
            h(
              "th",
              { scope: "row", class: "figure" },
              String(lag.partition),
              isBad ? h("div", { class: "small bad-text" }, h("code", {}, state.error), " ", state.error_message) : null,
              state?.lost.length ? h("div", { class: "small busy-text" }, `${plural(state.lost.length, "range")} deleted at the source before it could be read: ${state.lost.map(([first, last]) => `${first}–${last}`).join(", ")}`) : null,
            ),
            figure(known(state?.local_log_end_offset)),
            figure(known(state?.last_fetch_source_high_watermark)),
            figure(number(lag.lag), lag.lag ? "strong" : ""),
            figure(state?.last_fetch_ms ? [since(state.last_fetch_ms), " ago"] : "–"),
            figure(state ? number(state.records) : "–", "wide"),
            figure(state ? bytes(state.bytes) : "–", "wide"),
            figure(state ? number(state.gap_offsets) : "–", "wide"),
            h("td", { class: "wide small" }, state?.worker ?? "–"),
          );
        }),
      ),
    ),
  );
}

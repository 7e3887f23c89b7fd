// Operations on mirrors: a dry run first, its result per topic, then the confirmation; the same way for one or many.

import { createMirror, deleteLink, deleteMirror, operate } from "./api.js";
import { openDialog } from "./dialog.js";
import { h, say } from "./dom.js";
import { number, plural, words } from "./format.js";
import { refusal } from "./parts.js";

const TOGETHER = 4;
const NEEDS_NAME = new Set(["delete", "truncate-and-restore"]);
const DANGEROUS = new Set(["delete", "truncate-and-restore", "failover"]);
const CAUTIONS = {
  failover: "Does not wait for the source: the lag shown is what the mirror will be missing.",
  promote: "Waits until the mirror has all that the source has; stop the producers at the source first.",
  delete: "Deletes the topics of this cluster with their data. The source keeps its own.",
  "truncate-and-restore": "Cuts records off this cluster's topic.",
};

/** Ask for an operation on mirrors, of one link or of several. `leaves`: after it, the page shown has nothing to show. */
export function openOperation(operation, mirrors, done = () => {}, leaves = false) {
  const name = operation.operation;
  const word = words(name.replace("-mirror", ""));
  openSteps({
    title: `${word}: ${mirrors.length === 1 ? mirrors[0].mirror_topic_name : plural(mirrors.length, "mirror")}`,
    sentence: operation.sentence,
    caution: CAUTIONS[name],
    verb: word,
    isDangerous: DANGEROUS.has(name),
    typed: NEEDS_NAME.has(name) ? typedName(mirrors) : null,
    items: mirrors.map((mirror) => ({ link: mirror.link_name, topic: mirror.mirror_topic_name, lag: mirror.lag })),
    run: (items, dry, tell) => (name === "delete" ? deleting(items, dry, tell) : operating(name, items, dry)),
    leaves,
    done,
  });
}

/** Create mirrors of source topics, each by itself. */
export function openCreation(link, topics, options, done) {
  const body = (topic) => ({ source_topic_name: topic, ...options });
  openSteps({
    title: `Create ${plural(topics.length, "mirror")}`,
    sentence: `Topics of this cluster that mirror those of link ${link}'s source.`,
    verb: "Create",
    items: topics.map((topic) => ({ link, topic })),
    run: (items, dry, tell) => oneByOne(items, (item) => createMirror(link, body(item.topic), dry), tell),
    done,
  });
}

/** Delete a link; forced, its remaining mirrors fail over first. */
export function openLinkDeletion(link, live, done) {
  const force = live > 0;
  openSteps({
    title: `Delete link ${link}`,
    sentence: force
      ? `Its ${plural(live, "mirror")} that ${live === 1 ? "is" : "are"} not stopped will fail over first (force): they become regular topics with what they have now.`
      : "Deletes the link and the history of its stopped mirrors. Its topics stay.",
    verb: force ? "Fail over and delete" : "Delete",
    isDangerous: true,
    typed: force ? { what: "the link's name", text: link } : null,
    items: [{ link, topic: link }],
    run: (items, dry, tell) => oneByOne(items, () => deleteLink(link, force, dry), tell),
    noun: "link",
    leaves: true,
    done,
  });
}

function typedName(mirrors) {
  if (mirrors.length === 1) return { what: "the topic's name", text: mirrors[0].mirror_topic_name };
  const links = [...new Set(mirrors.map((mirror) => mirror.link_name))];
  return links.length === 1 ? { what: "the link's name", text: links[0] } : { what: "the number of mirrors", text: String(mirrors.length) };
}

function openSteps(task) {
  const state = { step: "trying", results: null, wrong: null, typed: "", count: 0 };
  const fit = () => state.results.filter((row) => row.code === null);

  async function run(items, dry) {
    state.count = 0;
    const results = await task.run(items, dry, () => {
      state.count += 1;
      shown.redraw();
    });
    state.results = dry ? results : [...results, ...state.results.filter((row) => row.code !== null)];
    const good = results.filter((row) => row.code === null).length;
    return `${good} accepted, ${results.length - good} refused`;
  }

  async function step(during, after, action) {
    state.step = during;
    state.wrong = null;
    shown.redraw();
    try {
      const text = await action();
      state.step = after;
      say(`${after === "tried" ? "Dry run" : "Done"}: ${text}`);
    } catch (error) {
      state.step = "refused";
      state.wrong = error;
    }
    shown.redraw();
    document.getElementById("dialog-confirm")?.focus();
  }

  async function confirm() {
    const items = fit().map((row) => row.item);
    // a page of what is being deleted must not ask for it any more
    if (task.leaves) document.dispatchEvent(new Event("clusterlink:leaving"));
    await step("doing", "done", () => run(items, false));
    if (task.leaves && state.step === "done" && fit().length === state.results.length) return shown.close();
    document.dispatchEvent(new Event("clusterlink:changed"));
  }

  const isTyped = () => !task.typed || state.typed === task.typed.text;

  function typing() {
    if (!task.typed || state.step !== "tried" || !fit().length) return null;
    return h(
      "label",
      { class: "typed" },
      `To confirm, type ${task.typed.what}: `,
      h("code", {}, task.typed.text),
      h("input", { value: state.typed, autocomplete: "off", spellcheck: "false", oninput: (event) => ((state.typed = event.target.value), shown.redraw()) }),
    );
  }

  function status() {
    const many = task.items.length > TOGETHER && state.count ? ` ${number(state.count)} of ${number(task.items.length)}` : "";
    switch (state.step) {
      case "trying":
        return h("p", { class: "muted", role: "status" }, `Dry run …${many}`);
      case "doing":
        return h("p", { class: "muted", role: "status" }, `Under way …${many}`);
      case "tried":
        return h("p", { class: "step" }, h("strong", {}, "Dry run: "), `${verdict(fit().length, state.results.length, task.noun)} Nothing has been changed.`);
      case "done":
        return h("p", { class: "step" }, h("strong", {}, "Done: "), `${number(fit().length)} accepted, ${number(state.results.length - fit().length)} refused.`);
      default:
        return null;
    }
  }

  const view = () => ({
    title: task.title,
    body: [
      h("p", {}, task.sentence),
      task.caution && state.step !== "done" ? h("p", { class: task.isDangerous ? "caution" : "muted" }, task.caution) : null,
      status(),
      state.wrong ? refusal(state.wrong.code, state.wrong.message) : null,
      state.results ? results(state.results, state.step === "done", task.noun) : null,
      typing(),
    ],
    buttons: [
      h("button", { type: "button", key: "close", onclick: () => shown.close() }, state.step === "done" ? "Close" : "Cancel"),
      state.step === "tried" && fit().length
        ? h(
            "button",
            { type: "button", key: "confirm", id: isTyped() && !task.typed ? "dialog-confirm" : null, class: task.isDangerous ? "danger" : "primary", disabled: !isTyped(), onclick: confirm },
            task.items.length > 1 ? `${task.verb} ${number(fit().length)}` : task.verb,
          )
        : null,
    ],
  });

  const shown = openDialog(view, () => {
    if (state.step === "done" && fit().length) {
      task.done?.();
      if (task.leaves) return;
    }
    document.dispatchEvent(new Event("clusterlink:changed"));
  });
  step("trying", "tried", () => run(task.items, true));
}

function verdict(good, all, noun = "topic") {
  if (good === all) return all === 1 ? `the ${noun} would be accepted.` : `all ${plural(all, noun)} would be accepted.`;
  return good ? `${number(good)} of ${plural(all, noun)} would be accepted.` : "refused.";
}

function results(rows, isDone, noun = "topic") {
  const withLag = rows.some((row) => row.lag !== undefined);
  return h(
    "div",
    { class: "scroll results", role: "region", "aria-label": `Result per ${noun}`, tabindex: "0" },
    h(
      "table",
      {},
      h("thead", {}, h("tr", {}, h("th", { scope: "col" }, words(noun)), withLag ? h("th", { scope: "col", class: "figure" }, "Lag") : null, h("th", { scope: "col" }, "Result"))),
      h(
        "tbody",
        {},
        [...rows].sort((one, other) => (one.code === null) - (other.code === null)).map((row) =>
          h(
            "tr",
            { key: `${row.item.link}/${row.item.topic}` },
            h("th", { scope: "row" }, row.item.topic),
            withLag ? h("td", { class: "figure" }, row.lag === undefined ? "–" : number(row.lag)) : null,
            h(
              "td",
              {},
              row.code === null
                ? h("span", { class: "good-text" }, isDone ? "Accepted" : "Would be accepted")
                : h("span", { class: "bad-text lines" }, h("code", {}, String(row.code)), " ", row.message),
              row.truncated !== null && row.truncated !== undefined ? h("span", { class: "muted" }, ` ${plural(row.truncated, "record")} cut off`) : null,
              (row.warnings ?? []).map((text) => h("div", { class: "small busy-text" }, text)),
            ),
          ),
        ),
      ),
    ),
  );
}

async function operating(operation, items, dry) {
  const results = [];
  for (const link of new Set(items.map((item) => item.link))) {
    const mine = items.filter((item) => item.link === link);
    const topics = mine.map((item) => item.topic);
    let rows;
    try {
      rows = await operate(link, operation, topics, dry);
    } catch (error) {
      if (error.status === undefined || error.status === 401 || mine.length === items.length) throw error;
      results.push(...mine.map((item) => ({ item, code: error.code, message: error.message })));
      continue;
    }
    const of = new Map(rows.map((row) => [row.mirror_topic_name, row]));
    for (const item of mine) {
      const row = of.get(item.topic);
      const lag = row?.mirror_lags?.reduce((sum, one) => sum + one.lag, 0);
      results.push({
        item,
        code: row ? row.error_code : "",
        message: row ? row.error_message : "The answer does not name this topic.",
        lag: row?.error_code === null ? lag : undefined,
        truncated: row?.messages_truncated,
      });
    }
  }
  return results;
}

const deleting = (items, dry, tell) => oneByOne(items, (item) => deleteMirror(item.link, item.topic, dry), tell);

async function oneByOne(items, ask, tell) {
  const results = new Array(items.length);
  let next = 0;
  async function work() {
    while (next < items.length) {
      const index = next++;
      const item = items[index];
      try {
        const { warnings } = await ask(item);
        results[index] = { item, code: null, warnings };
      } catch (error) {
        if (error.status === undefined || error.status === 401) throw error;
        results[index] = { item, code: error.code, message: error.message };
      }
      tell();
    }
  }
  await Promise.all(Array.from({ length: Math.min(TOGETHER, items.length) }, work));
  return results;
}

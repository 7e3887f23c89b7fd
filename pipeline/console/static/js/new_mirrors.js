// Create mirrors of a link: topics by name, or ticked in the list of what the source has.

import { link as askLink, operationTable, overview, sourceTopics } from "./api.js";
import { draw, h, say } from "./dom.js";
import { number, plural } from "./format.js";
import { openCreation, openOperation } from "./operate.js";
import { crumbs, href, refusal } from "./parts.js";

const SHOWN = 200;
const RESTORE = "truncate-and-restore";

export function newMirrorsPage(name) {
  let link = null;
  let restore = null;
  return {
    title: `Create mirrors, ${name}`,
    isLive: false,
    load: async (signal) => {
      const [all, operations] = await Promise.all([overview(signal), operationTable(), askLink(name, signal)]);
      link = all.links.find((row) => row.link_name === name);
      restore = operations.find((row) => row.operation === RESTORE && row.modes.includes(link.link_mode));
    },
    hasData: () => link !== null && link !== undefined,
    view: () => formView(name, link, restore),
  };
}

/** `restore`: the operation that makes a mirror of a topic which is here already, where the link has it. */
function formView(name, link, restore) {
  const wrong = h("div");
  const list = h("div", { class: "pick" }, h("p", { class: "muted", role: "status" }, "Asking the source for its topics …"));
  const names = h("textarea", { id: "topics", name: "topics", rows: "6", spellcheck: "false", "aria-describedby": "topics-help", oninput: () => drawList() });
  const replicas = h("input", { id: "replicas", inputmode: "numeric", autocomplete: "off", "aria-describedby": "replicas-help" });
  const configs = h("textarea", { id: "configs", rows: "2", spellcheck: "false", "aria-describedby": "configs-help", placeholder: "retention.ms=604800000" });
  let topics = null;
  let search = "";

  const chosen = () => [...new Set(names.value.split(/[\s,]+/).filter(Boolean))];

  function tick(topic, isTicked) {
    const now = chosen().filter((each) => each !== topic);
    names.value = (isTicked ? [...now, topic] : now).join("\n");
    drawList();
  }

  function drawList() {
    if (topics === null) return;
    const ticked = new Set(chosen());
    const free = topics.filter((topic) => !topic.is_mirrored && topic.topic_name.toLowerCase().includes(search.toLowerCase()));
    draw(
      list,
      h("label", { for: "pick-search" }, "Topics of the source"),
      h("input", { id: "pick-search", type: "search", value: search, placeholder: "Search", autocomplete: "off", oninput: (event) => ((search = event.target.value), drawList()) }),
      h("p", { class: "small muted" }, `${plural(free.length, "topic")} that ${free.length === 1 ? "is" : "are"} no mirror yet${free.length > SHOWN ? `, the first ${SHOWN} shown` : ""}.`),
      h(
        "ul",
        { class: "ticks" },
        free.slice(0, SHOWN).map((topic) =>
          h(
            "li",
            { key: topic.topic_name },
            h("label", { class: "check" }, h("input", { type: "checkbox", checked: ticked.has(topic.topic_name), onchange: (event) => tick(topic.topic_name, event.target.checked) }), topic.topic_name, h("span", { class: "small muted" }, ` ${number(topic.num_partitions)}`)),
          ),
        ),
      ),
    );
  }

  function options() {
    const made = {};
    const count = replicas.value.trim();
    if (count) {
      if (!/^\d+$/.test(count)) throw new Error("The replication factor must be a whole number.");
      made.replication_factor = Number(count);
    }
    const lines = configs.value.split("\n").map((line) => line.trim()).filter(Boolean);
    const bad = lines.find((line) => !line.includes("="));
    if (bad) throw new Error(`Topic configs are lines of name=value; '${bad}' has no '='.`);
    if (lines.length) made.configs = lines.map((line) => ({ name: line.split("=")[0].trim(), value: line.slice(line.indexOf("=") + 1).trim() }));
    return made;
  }

  function submit(event, isRestore = false) {
    event.preventDefault();
    wrong.replaceChildren();
    const done = () => (location.hash = href("links", name));
    try {
      if (!chosen().length) throw new Error("Name at least one topic of the source.");
      if (isRestore) openOperation(restore, chosen().map((topic) => ({ link_name: name, mirror_topic_name: topic })), done);
      else openCreation(name, chosen(), options(), done);
    } catch (error) {
      wrong.replaceChildren(refusal("", error.message));
      names.focus();
    }
  }

  sourceTopics(name)
    .then((found) => {
      topics = found.topics;
      drawList();
      say(`${plural(topics.length, "topic")} at the source`);
    })
    .catch((error) => draw(list, refusal(error.code, `The source's topics cannot be listed: ${error.message}`, "status"), h("p", { class: "muted" }, "Topics can still be named by hand.")));

  return h(
    "div",
    {},
    h("header", { class: "page" }, crumbs(["Links", "#/"], [name, href("links", name)], ["Create mirrors"]), h("h1", {}, "Create mirrors")),
    h(
      "form",
      { class: "stack wide-form", novalidate: true, onsubmit: submit },
      wrong,
      h(
        "div",
        { class: "two" },
        h(
          "div",
          {},
          h("div", { class: "field" }, h("label", { for: "topics" }, "Source topics, one a line"), names, h("p", { class: "small muted", id: "topics-help" }, link.prefix ? `Each mirror is named ${link.prefix} and the source's name.` : "Each mirror has its source's name.")),
          h(
            "details",
            {},
            h("summary", {}, "More"),
            h("div", { class: "field" }, h("label", { for: "replicas" }, "Replication factor"), replicas, h("p", { class: "small muted", id: "replicas-help" }, "Replicas of each partition; else the cluster's default.")),
            h("div", { class: "field" }, h("label", { for: "configs" }, "Topic configs, name=value"), configs, h("p", { class: "small muted", id: "configs-help" }, "Topic configs that do not follow the source.")),
          ),
        ),
        list,
      ),
      h("div", { class: "buttons" }, h("button", { class: "primary" }, "Dry run"), h("a", { class: "button", href: href("links", name) }, "Cancel")),
      restore
        ? h(
            "section",
            { class: "stack", "aria-labelledby": "restore" },
            h("h2", { id: "restore" }, "Topics that are here already"),
            h("p", { class: "muted" }, "Was this cluster their source, and has the other taken over by failover or promotion? Then they can become mirrors of what they have become there. The dry run says what would be cut off; it is saved to a topic of its own first."),
            h("div", { class: "buttons" }, h("button", { type: "button", onclick: (event) => submit(event, true) }, "Truncate and restore")),
          )
        : null,
    ),
  );
}

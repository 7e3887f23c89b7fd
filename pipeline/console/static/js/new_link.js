// Create a link: a form drawn from the property table, a dry run, the confirmation.

import { createLink, propertyTable } from "./api.js";
import { openDialog } from "./dialog.js";
import { draw, h, say } from "./dom.js";
import { fieldGroups, field, showProblems } from "./fields.js";
import { crumbs, href, refusal } from "./parts.js";

const EXPECTED = {
  DESTINATION: ["source_cluster_id", "Cluster id of the source"],
  SOURCE: ["destination_cluster_id", "Cluster id of the destination"],
  BIDIRECTIONAL: ["remote_cluster_id", "Cluster id of the other side"],
};

export function newLinkPage() {
  let table = null;
  return {
    title: "Create a link",
    isLive: false,
    load: async () => (table = (await propertyTable()).filter((row) => !row.is_read_only)),
    hasData: () => table !== null,
    view: () => formView(table),
  };
}

function formView(table) {
  const wrong = h("div");
  const properties = h("div");
  const expected = h("span");
  const check = h("input", { type: "checkbox", name: "validate_link", checked: true });
  let values = {};

  const form = h(
    "form",
    { class: "stack wide-form", novalidate: true, onsubmit: submit },
    wrong,
    h(
      "div",
      { class: "fields" },
      h("div", { class: "field", "data-field": "link" }, h("label", { for: "link-name" }, "Name"), h("input", { id: "link-name", name: "link_name", autocomplete: "off", spellcheck: "false", "aria-describedby": "link-help link-wrong" }), h("p", { class: "small muted", id: "link-help" }, "1 to 249 characters of a-z, A-Z, 0-9, dot, underscore and hyphen."), h("p", { class: "wrong lines", id: "link-wrong" })),
      h("div", { class: "field", "data-field": "cluster_id" }, h("label", { for: "cluster-id" }, expected), h("input", { id: "cluster-id", name: "cluster_id", autocomplete: "off", spellcheck: "false", "aria-describedby": "cluster-help cluster-wrong" }), h("p", { class: "small muted", id: "cluster-help" }, "May be left empty; if given, the link is refused where another cluster answers."), h("p", { class: "wrong lines", id: "cluster-wrong" })),
    ),
    h("h2", {}, "Properties"),
    h("p", { class: "muted" }, "What is left empty has its default."),
    properties,
    h("label", { class: "check" }, check, "Reach the remote cluster before the link is created"),
    h("div", { class: "buttons" }, h("button", { class: "primary" }, "Dry run"), h("a", { class: "button", href: "#/" }, "Cancel")),
  );

  const mode = () => values["link.mode"] || "DESTINATION";

  function drawFields() {
    const rows = table.filter((row) => row.modes.includes(mode()));
    const made = (row) => field(row, { given: values[row.name] ?? "", onchange: (event) => changed(row.name, event.target.value) });
    draw(properties, fieldGroups(rows, made));
    expected.textContent = EXPECTED[mode()][1];
  }

  function changed(name, value) {
    values[name] = value;
    if (name === "link.mode") drawFields();
  }

  function body() {
    const known = new Set(table.filter((row) => row.modes.includes(mode())).map((row) => row.name));
    const rows = Object.entries(values).filter(([name, value]) => value !== "" && known.has(name));
    const made = { configs: rows.map(([name, value]) => ({ name, value })), validate_link: check.checked };
    const id = form.elements.cluster_id.value.trim();
    return id ? { ...made, [EXPECTED[mode()][0]]: id } : made;
  }

  async function submit(event) {
    event.preventDefault();
    const name = form.elements.link_name.value.trim();
    const button = form.querySelector("button.primary");
    button.disabled = true;
    wrong.replaceChildren();
    say("Dry run under way");
    try {
      if (!name) throw Object.assign(new Error("link: a name is needed"), { code: "" });
      const { warnings } = await createLink(name, body(), true);
      showProblems(form, "");
      confirm(name, body(), warnings);
    } catch (error) {
      refused(error);
    } finally {
      button.disabled = false;
    }
  }

  function refused(error) {
    const text = error.message.replace(/^(link_name|name): /, "link: ").replace(/^(source|destination|remote)_cluster_id: /, "cluster_id: ");
    const rest = showProblems(form, text);
    if (rest.length || error.code) wrong.replaceChildren(refusal(error.code, rest.join("\n") || "Some fields are refused; see beside them."));
    if (rest.length) wrong.scrollIntoView({ block: "nearest" });
  }

  function confirm(name, asked, warnings) {
    let isBusy = false;
    let failed = null;
    const secrets = new Set(table.filter((row) => row.is_sensitive).map((row) => row.name));
    const go = async () => {
      isBusy = true;
      shown.redraw();
      try {
        await createLink(name, asked, false);
        say(`Link ${name} created`);
        shown.close();
        location.hash = href("links", name);
      } catch (error) {
        failed = error;
        isBusy = false;
        shown.redraw();
      }
    };
    const shown = openDialog(() => ({
      title: `Create link ${name}`,
      body: [
        failed ? refusal(failed.code, failed.message) : h("p", {}, h("strong", {}, "Dry run: "), "the link would be created. Nothing has been changed."),
        warnings.map((text) => h("p", { class: "busy-text" }, text)),
        h("dl", { class: "facts" }, asked.configs.map((row) => h("div", { key: row.name }, h("dt", {}, h("code", {}, row.name)), h("dd", {}, secrets.has(row.name) ? "set, not shown" : h("code", { class: "lines" }, row.value))))),
      ],
      buttons: [
        h("button", { type: "button", onclick: () => shown.close() }, "Back"),
        h("button", { type: "button", class: "primary", id: "dialog-confirm", disabled: isBusy, onclick: go }, "Create link"),
      ],
    }));
    document.getElementById("dialog-confirm").focus();
  }

  drawFields();
  return h("div", {}, h("header", { class: "page" }, crumbs(["Links", "#/"], ["Create a link"]), h("h1", {}, "Create a link")), form);
}

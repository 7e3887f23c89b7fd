// Change properties of a link, all or none: what is changed is tried first, then confirmed.

import { alterLink, configs, link as askLink, overview, propertyTable } from "./api.js";
import { openDialog } from "./dialog.js";
import { draw, h, say } from "./dom.js";
import { fieldGroups, field, showProblems } from "./fields.js";
import { crumbs, href, refusal } from "./parts.js";

export function editPage(name) {
  let table = null;
  let given = null;
  return {
    title: `Edit ${name}`,
    isLive: false,
    load: async () => {
      const [rows, values, all] = await Promise.all([propertyTable(), configs(name), overview(), askLink(name)]);
      const mode = all.links.find((link) => link.link_name === name)?.link_mode ?? "DESTINATION";
      given = new Map(values.map((row) => [row.name, row]));
      table = rows.filter((row) => !row.is_read_only && row.modes.includes(mode));
    },
    hasData: () => given !== null,
    view: () => formView(name, table, given),
  };
}

function formView(name, table, given) {
  const wrong = h("div");
  const place = h("div");
  const changes = new Map();
  const shownValue = (row) => {
    const now = given.get(row.name);
    return now && !now.is_default && !row.is_sensitive ? now.value ?? "" : "";
  };

  const form = h(
    "form",
    { class: "stack wide-form", novalidate: true, onsubmit: submit },
    wrong,
    h("p", { class: "muted" }, "An emptied field goes back to its default. A secret stays as it is unless you type a new one or tick it to be removed."),
    place,
    h("div", { class: "buttons" }, h("button", { class: "primary" }, "Dry run"), h("a", { class: "button", href: href("links", name, "properties") }, "Cancel")),
  );

  function made(row) {
    const isSet = given.has(row.name) && !given.get(row.name).is_default;
    const onchange = (event) => (event.target.value === shownValue(row) ? changes.delete(row.name) : changes.set(row.name, event.target.value));
    const drawn = field(row, { given: shownValue(row), isSet, isFixed: !row.is_mutable, onchange });
    if (row.is_sensitive && isSet && row.is_mutable) {
      const tick = h("input", { type: "checkbox", onchange: (event) => (event.target.checked ? changes.set(row.name, "") : changes.delete(row.name)) });
      drawn.insertBefore(h("label", { class: "check small" }, tick, `Remove ${row.name}`), drawn.querySelector(".wrong"));
    }
    return drawn;
  }

  const data = () => [...changes].map(([property, value]) => (value === "" ? { name: property, operation: "DELETE" } : { name: property, value, operation: "SET" }));

  async function submit(event) {
    event.preventDefault();
    wrong.replaceChildren();
    if (!changes.size) return wrong.replaceChildren(h("div", { class: "notice", role: "alert" }, h("p", {}, "Nothing has been changed.")));
    const button = form.querySelector("button.primary");
    button.disabled = true;
    try {
      const { warnings } = await alterLink(name, data(), true);
      showProblems(form, "");
      confirm(warnings);
    } catch (error) {
      const rest = showProblems(form, error.message);
      wrong.replaceChildren(refusal(error.code, rest.join("\n") || "Some fields are refused; see beside them."));
      if (rest.length) wrong.scrollIntoView({ block: "nearest" });
    } finally {
      button.disabled = false;
    }
  }

  function confirm(warnings) {
    let failed = null;
    let isBusy = false;
    const secrets = new Set(table.filter((row) => row.is_sensitive).map((row) => row.name));
    const go = async () => {
      isBusy = true;
      shown.redraw();
      try {
        await alterLink(name, data(), false);
        say("Properties changed");
        shown.close();
        location.hash = href("links", name, "properties");
      } catch (error) {
        failed = error;
        isBusy = false;
        shown.redraw();
      }
    };
    const change = (row) => {
      if (row.operation === "DELETE") return h("span", { class: "muted" }, "back to its default");
      return secrets.has(row.name) ? "a new value, not shown" : h("code", { class: "lines" }, row.value);
    };
    const shown = openDialog(() => ({
      title: `Change ${name}`,
      body: [
        failed ? refusal(failed.code, failed.message) : h("p", {}, h("strong", {}, "Dry run: "), "these changes would be accepted. Nothing has been changed."),
        warnings.map((text) => h("p", { class: "busy-text" }, text)),
        h("dl", { class: "facts" }, data().map((row) => h("div", { key: row.name }, h("dt", {}, h("code", {}, row.name)), h("dd", {}, change(row))))),
      ],
      buttons: [
        h("button", { type: "button", onclick: () => shown.close() }, "Back"),
        h("button", { type: "button", class: "primary", id: "dialog-confirm", disabled: isBusy, onclick: go }, "Change properties"),
      ],
    }));
    document.getElementById("dialog-confirm").focus();
  }

  draw(place, fieldGroups(table, made));
  return h("div", {}, h("header", { class: "page" }, crumbs(["Links", "#/"], [name, href("links", name)], ["Edit"]), h("h1", {}, `Edit ${name}`)), form);
}

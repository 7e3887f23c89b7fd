// Fields of a form, drawn from the property table.

import { h } from "./dom.js";

const LONG = /filters$|jaas\.config$|certificates$|certificate\.chain$|keystore\.key$/;

/** One property as a labelled field. `given`: its present value; `isSet`: whether it was set (a secret's value is not told). */
export function field(row, { given = "", isSet = false, isFixed = false, onchange = null } = {}) {
  const id = `p-${row.name}`;
  const fallback = row.default ?? "";
  const common = {
    id,
    name: row.name,
    "aria-describedby": `${id}-help ${id}-wrong`,
    disabled: isFixed,
    oninput: onchange,
    spellcheck: "false",
    autocomplete: row.is_sensitive ? "new-password" : "off",
  };
  let control;
  if (row.type === "boolean" || row.choices.length) {
    const choices = row.type === "boolean" ? ["false", "true"] : row.choices;
    control = h(
      "select",
      { ...common, value: given },
      h("option", { value: "" }, fallback ? `default: ${fallback}` : "default"),
      choices.map((choice) => h("option", { value: choice }, choice)),
    );
  } else if (LONG.test(row.name)) {
    control = h("textarea", { ...common, rows: "3", class: row.is_sensitive ? "hidden-text" : "", value: given, placeholder: secretHint(row, isSet) || fallback });
  } else {
    control = h("input", {
      ...common,
      type: row.is_sensitive ? "password" : "text",
      inputmode: ["int", "long", "double"].includes(row.type) ? "numeric" : null,
      value: given,
      placeholder: secretHint(row, isSet) || (fallback.length > 60 ? `${fallback.slice(0, 60)} …` : fallback),
    });
  }
  return h(
    "div",
    { class: "field", "data-field": row.name, key: row.name },
    h("label", { for: id }, h("code", {}, row.name)),
    control,
    h(
      "p",
      { class: "small muted", id: `${id}-help` },
      row.sentence,
      row.valid && !row.choices.length ? ` Valid: ${row.valid}.` : "",
      row.is_sensitive ? " Stored sealed, never shown." : "",
      row.note ? ` It ${row.note}.` : "",
      isFixed ? " Fixed since the link was created." : "",
    ),
    h("p", { class: "wrong lines", id: `${id}-wrong` }),
  );
}

function secretHint(row, isSet) {
  return row.is_sensitive && isSet ? "set, not shown; type to replace it" : "";
}

/** Show what the server refused beside the fields it names; gives the lines that name none. */
export function showProblems(form, message) {
  for (const place of form.querySelectorAll(".wrong")) place.textContent = "";
  for (const control of form.querySelectorAll("[aria-invalid]")) control.removeAttribute("aria-invalid");
  const rest = [];
  for (const line of (message ?? "").split("\n")) {
    const named = line.match(/^([A-Za-z][\w.-]*): /);
    const place = named && form.querySelector(`[data-field="${CSS.escape(named[1])}"]`);
    if (!place) {
      if (line) rest.push(line);
      continue;
    }
    place.querySelector(".wrong").textContent = line.slice(named[0].length);
    const control = place.querySelector("input, select, textarea");
    control.setAttribute("aria-invalid", "true");
    for (let around = place.closest("details"); around; around = around.parentElement.closest("details")) around.open = true;
  }
  form.querySelector("[aria-invalid]")?.focus();
  return rest;
}

const GROUPS = [
  ["behaviour", "How the link behaves"],
  ["connection", "Connection and fetching"],
  ["security", "Security"],
  ["own cluster", "Access to the own cluster (local.)"],
];

/** All properties of a mode as fields: common ones in the open, the others in groups that unfold. */
export function fieldGroups(rows, made) {
  const group = ([name, title]) => {
    const mine = rows.filter((row) => !row.is_common && row.group === name);
    return mine.length
      ? h("details", { key: name }, h("summary", {}, title, h("span", { class: "count" }, ` ${mine.length}`)), h("div", { class: "fields" }, mine.map(made)))
      : null;
  };
  return [h("div", { class: "fields" }, rows.filter((row) => row.is_common).map(made)), GROUPS.map(group)];
}

// Mirrors of all links.

import { h } from "./dom.js";
import { mirrorList } from "./mirrors.js";

export function allMirrorsPage() {
  const made = { title: "Mirrors" };
  const list = mirrorList({ changed: () => made.redraw?.() });
  return Object.assign(made, {
    load: list.load,
    hasData: list.hasData,
    view: () => h("div", {}, h("header", { class: "page" }, h("h1", {}, "Mirrors")), list.view()),
  });
}

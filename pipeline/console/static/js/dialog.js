// The one dialog: the browser keeps the focus inside and gives it back afterwards.

import { draw, h } from "./dom.js";

const dialog = document.getElementById("dialog");
let opener = null;

/** Open with a function that gives title, body and buttons. The answer is { redraw, close }. */
export function openDialog(view, closed = () => {}) {
  const redraw = () => {
    const { title, body, buttons } = view();
    draw(
      dialog,
      h("h2", { id: "dialog-title", tabindex: "-1" }, title),
      h("div", { class: "body" }, body),
      h("div", { class: "buttons" }, buttons),
    );
  };
  const close = () => dialog.close();
  opener = document.activeElement;
  dialog.onclose = () => {
    dialog.onclose = null;
    closed();
    if (opener?.isConnected) opener.focus();
    else document.getElementById("content").focus({ preventScroll: true });
  };
  redraw();
  dialog.showModal();
  document.getElementById("dialog-title").focus();
  return { redraw, close };
}

// Begin: who are we, which page is asked for, and how it is kept up to date.

import { draw, h, say } from "./dom.js";
import { ago } from "./format.js";
import { editPage } from "./edit.js";
import { allMirrorsPage } from "./all_mirrors.js";
import { linkPage } from "./link.js";
import { linksPage } from "./links.js";
import { mirrorPage } from "./mirror.js";
import { newLinkPage } from "./new_link.js";
import { newMirrorsPage } from "./new_mirrors.js";
import { auditPage } from "./audit.js";
import { refusal } from "./parts.js";
import { forget, hasProof, isOperator, recognise, session } from "./session.js";
import { signInView } from "./sign_in.js";

const EVERY_MS = 2000;
const content = document.getElementById("content");
let page = null;
let timer = 0;
let cut = new AbortController();
let heard = { at: 0, wrong: "" };

const ROUTES = [
  [[], () => linksPage()],
  [["mirrors"], () => allMirrorsPage()],
  [["audit"], () => auditPage()],
  [["new-link"], () => operators(newLinkPage)],
  [["links", ":", "mirrors", ":"], (link, topic) => mirrorPage(link, topic)],
  [["links", ":", "new-mirrors"], (link) => operators(newMirrorsPage, link)],
  [["links", ":", "edit"], (link) => operators(editPage, link)],
  [["links", ":", ":"], (link, tab) => linkPage(link, tab)],
  [["links", ":"], (link) => linkPage(link, "mirrors")],
];

function operators(made, ...names) {
  if (isOperator()) return made(...names);
  return { title: "Readers may only look", view: () => refusal(40301, "Your role is reader: you may look at everything and change nothing.") };
}

function found() {
  const asked = location.hash.replace(/^#\/?/, "").split("?")[0];
  const parts = asked ? asked.split("/").map(decoded) : [];
  for (const [route, made] of ROUTES) {
    if (route.length !== parts.length) continue;
    if (route.every((part, index) => part === ":" || part === parts[index])) {
      return made(...parts.filter((_, index) => route[index] === ":"));
    }
  }
  return { title: "Nothing here", view: () => h("p", {}, "There is nothing at this address. ", h("a", { href: "#/" }, "All links")) };
}

function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

async function open() {
  clearTimeout(timer);
  cut.abort();
  cut = new AbortController();
  if (session.principal === null) return showSignIn();
  const mine = (page = found());
  mine.redraw = () => page === mine && show(mine);
  document.title = `${mine.title} · clusterlink`;
  draw(content, h("p", { class: "muted loading" }, "Loading …"));
  window.scrollTo(0, 0);
  await refresh(mine);
  if (page === mine) {
    content.focus({ preventScroll: true });
    say(mine.title);
  }
}

async function refresh(mine) {
  clearTimeout(timer);
  try {
    await mine.load?.(cut.signal);
    heard = { at: Date.now(), wrong: "" };
    mine.wrong = null;
  } catch (error) {
    if (error.name === "AbortError") return;
    if (error.status === 401) return lost();
    heard.wrong = error.status ? "" : error.message;
    mine.wrong = error;
    if (error.status === undefined) console.error(error);
  }
  if (page !== mine) return;
  show(mine);
  if (mine.load && mine.isLive !== false && !document.hidden) timer = setTimeout(() => refresh(mine), EVERY_MS);
}

function show(mine) {
  const seen = mine.hasData?.() ?? true;
  if (mine.isLive === false && seen && !mine.wrong) {
    // a form is drawn once: what somebody types is not touched
    if (!mine.isDrawn) content.replaceChildren(mine.view());
    mine.isDrawn = true;
    return top();
  }
  draw(
    content,
    mine.wrong && seen ? h("div", { class: "notice busy", role: "status" }, h("p", {}, `Not up to date: ${mine.wrong.message}`)) : null,
    mine.wrong && !seen ? h("div", {}, h("h1", {}, mine.title), refusal(mine.wrong.code, mine.wrong.message), h("p", {}, h("a", { href: "#/" }, "All links"))) : mine.view(),
  );
  top();
}

function showSignIn() {
  page = null;
  document.title = "Sign in · clusterlink";
  content.replaceChildren(signInView(session.methods, () => open()));
  top();
  content.querySelector("input")?.focus();
}

function lost() {
  forget();
  showSignIn();
  say("Signed out: the worker does not know you any more.");
}

function top() {
  const at = location.hash.replace(/^#\/?/, "").split(/[/?]/)[0];
  const tab = (name, text, here) => h("a", { href: `#/${name}`, "aria-current": here ? "page" : null }, text);
  const live = liveness();
  draw(
    document.getElementById("top"),
    h("a", { class: "brand", href: "#/" }, h("img", { src: "icon.svg", alt: "", width: "22", height: "22" }), "clusterlink"),
    session.principal
      ? h(
          "nav",
          { "aria-label": "Main" },
          tab("", "Links", at === "" || at === "links" || at === "new-link"),
          tab("mirrors", "Mirrors", at === "mirrors"),
          tab("audit", "Audit", at === "audit"),
        )
      : null,
    session.principal
      ? h(
          "div",
          { class: "who" },
          h("span", { class: `live ${live.tone}`, title: live.title }, live.text),
          h("span", { class: "muted", title: `Worker ${session.worker}` }, "cluster ", h("code", {}, session.cluster_id)),
          h("span", { class: "muted" }, who()),
          hasProof() ? h("button", { class: "quiet", type: "button", onclick: () => (forget(), showSignIn()) }, "Sign out") : null,
        )
      : null,
  );
}

function who() {
  if (!session.methods.length) return "no authentication";
  return session.principal.replace(/^User:/, "") + (isOperator() ? "" : " (reader)");
}

function liveness() {
  if (heard.wrong) {
    const last = heard.at ? `Last answer ${ago(heard.at)} ago. ` : "";
    return { tone: "bad", text: "no answer", title: last + heard.wrong };
  }
  if (!page?.load || page.isLive === false) return { tone: "over", text: "at rest", title: "This page does not change by itself." };
  return { tone: "good", text: "live", title: `Asked every ${EVERY_MS / 1000} s while the page is visible.` };
}

window.addEventListener("hashchange", open);
document.addEventListener("visibilitychange", () => {
  clearTimeout(timer);
  if (!document.hidden && page?.load && page.isLive !== false) refresh(page);
});
document.getElementById("skip").onclick = (event) => {
  event.preventDefault();
  content.focus();
};
// while somebody works in the dialog, the page beneath goes on being kept up to date
document.addEventListener("clusterlink:leaving", () => {
  clearTimeout(timer);
  cut.abort();
  cut = new AbortController();
});
document.addEventListener("clusterlink:changed", () => page?.load && page.isLive !== false && refresh(page));

recognise()
  .then(open)
  .catch((error) => draw(content, refusal("", `The worker does not answer. ${error.message}`)));

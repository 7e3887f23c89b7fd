// Making and changing what is on the page. Whatever the server says becomes text, never markup.

const SVG = "http://www.w3.org/2000/svg";
const SVG_TAGS = new Set(["svg", "polyline", "polygon", "line", "circle", "path", "rect", "title", "g"]);
const PROPERTIES = new Set(["value", "checked", "indeterminate"]);

/** Make an element. Handlers are properties (onclick), `key` tells siblings apart, null children are left out. */
export function h(tag, properties, ...children) {
  const node = SVG_TAGS.has(tag) ? document.createElementNS(SVG, tag) : document.createElement(tag);
  append(node, children);
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (value === undefined || value === null) continue;
    if (PROPERTIES.has(name)) {
      node[name] = value;
      (node.held ??= []).push(name);
    } else if (value === false) continue;
    else if (name.startsWith("on")) node[name] = value;
    else if (name === "key") node.key = value;
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  return node;
}

function append(node, children) {
  for (const child of children) {
    if (child === null || child === undefined || child === false) continue;
    if (Array.isArray(child)) append(node, child);
    else node.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
}

/** Put `fresh` children into `parent`, keeping nodes that fit: focus, selection and scrolling stay where they are. */
export function draw(parent, ...fresh) {
  const holder = document.createElement("div");
  append(holder, fresh);
  children(parent, holder);
}

const HANDLERS = ["onclick", "oninput", "onchange", "onsubmit", "onkeydown", "onclose", "oncancel", "ontoggle"];

function children(old, fresh) {
  const keyed = new Map();
  for (const node of old.childNodes) if (node.key !== undefined) keyed.set(node.key, node);
  let at = old.firstChild;
  for (const node of [...fresh.childNodes]) {
    const match = node.key === undefined ? at : keyed.get(node.key);
    if (match && match.key === node.key && fits(match, node)) {
      if (match === at) at = at.nextSibling;
      else old.insertBefore(match, at);
      keyed.delete(node.key);
      morph(match, node);
    } else {
      old.insertBefore(node, at);
    }
  }
  while (at) {
    const next = at.nextSibling;
    at.remove();
    at = next;
  }
}

function fits(old, fresh) {
  return old.nodeType === fresh.nodeType && old.nodeName === fresh.nodeName && old.type === fresh.type;
}

function morph(old, fresh) {
  if (old.nodeType === Node.TEXT_NODE) {
    if (old.data !== fresh.data) old.data = fresh.data;
    return;
  }
  for (const { name, value } of [...fresh.attributes]) {
    if (old.getAttribute(name) !== value && !(name === "open" && old.nodeName === "DETAILS")) old.setAttribute(name, value);
  }
  for (const { name } of [...old.attributes]) if (!fresh.hasAttribute(name) && name !== "open") old.removeAttribute(name);
  for (const name of HANDLERS) old[name] = fresh[name];
  children(old, fresh);
  for (const name of fresh.held ?? []) if (old[name] !== fresh[name]) old[name] = fresh[name];
  old.held = fresh.held;
}

/** Tell those who do not see the page what has just happened. */
export function say(text) {
  const place = document.getElementById("say");
  place.textContent = "";
  setTimeout(() => (place.textContent = text), 50);
}

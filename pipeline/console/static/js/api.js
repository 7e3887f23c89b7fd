// Asking the worker. Addresses are relative, so the console also works below a path of a proxy.

import { credentials, session } from "./session.js";

/** What the server refused, in its own words. */
export class Refusal extends Error {
  constructor(status, code, message) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** Ask; gives the parsed answer with `warnings`, raises Refusal. A read may be cut off with a signal. */
async function ask(method, url, { body, params, signal } = {}) {
  const known = credentials();
  const query = new URLSearchParams(Object.entries(params ?? {}).filter(([, value]) => value !== undefined && value !== ""));
  const headers = body === undefined ? known.headers : { ...known.headers, "Content-Type": "application/json" };
  let answer;
  try {
    answer = await fetch(query.size ? `${url}?${query}` : url, {
      method,
      headers,
      credentials: known.credentials,
      cache: "no-store",
      body: body === undefined ? undefined : JSON.stringify(body),
      signal,
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refusal(0, "", "The worker does not answer.");
  }
  const text = await answer.text();
  let parsed = {};
  try {
    parsed = text ? JSON.parse(text) : {};
  } catch {
    throw new Refusal(answer.status, answer.status, "The answer is not JSON: something between us and the worker answers in its place.");
  }
  if (!answer.ok) throw new Refusal(answer.status, parsed.error_code ?? answer.status, parsed.message ?? answer.statusText);
  return { data: parsed, warnings: warnings(answer.headers.get("Warning")) };
}

function warnings(header) {
  return [...(header ?? "").matchAll(/299 \S+ "((?:[^"\\]|\\.)*)"/g)].map((found) => found[1].replaceAll(/\\(.)/g, "$1"));
}

const path = (...parts) => parts.map(encodeURIComponent).join("/");
const rest = (...parts) => `../kafka/v3/clusters/${encodeURIComponent(session.cluster_id)}/${path(...parts)}`;
const own = async (name, params, signal) => (await ask("GET", `../clusterlink/v1/${name}`, { params, signal })).data;

export const overview = (signal) => own("overview", {}, signal);
export const mirrorPage = (params, signal) => own("mirrors", params, signal);
export const audit = (link, signal) => own("audit", { link }, signal);
export const sourceTopics = (link) => own("source-topics", { link });

const tables = {};
const table = (name) => (tables[name] ??= own(name).then((found) => found[name]).catch((error) => {
  delete tables[name];
  throw error;
}));
export const propertyTable = () => table("properties");
export const operationTable = () => table("operations");

export const link = async (name, signal) =>
  (await ask("GET", rest("links", name), { params: { include_task_runs: "true" }, signal })).data;
export const configs = async (name, signal) => (await ask("GET", rest("links", name, "configs"), { signal })).data.data;
export const mirror = async (name, topic, signal) =>
  (
    await ask("GET", rest("links", name, "mirrors", topic), {
      params: { include_partition_states: "true", include_state_transition_errors: "true" },
      signal,
    })
  ).data;

export const createLink = (name, body, dry) =>
  ask("POST", rest("links"), { body, params: { link_name: name, validate_only: dry ? "true" : "" } });
export const alterLink = (name, data, dry) =>
  ask("PUT", `${rest("links", name)}/configs:alter`, { body: { data }, params: { validate_only: dry ? "true" : "" } });
export const deleteLink = (name, force, dry) =>
  ask("DELETE", rest("links", name), { params: { force: force ? "true" : "", validate_only: dry ? "true" : "" } });
export const createMirror = (name, body, dry) =>
  ask("POST", rest("links", name, "mirrors"), { body, params: { validate_only: dry ? "true" : "" } });
export const deleteMirror = (name, topic, dry) =>
  ask("DELETE", rest("links", name, "mirrors", topic), { params: { validate_only: dry ? "true" : "" } });
export const operate = async (name, operation, topics, dry) =>
  (
    await ask("POST", `${rest("links", name)}/mirrors:${operation}`, {
      body: { mirror_topic_names: topics },
      params: {
        validate_only: dry ? "true" : "",
        include_partition_level_truncation_data: operation === "truncate-and-restore" ? "true" : "",
      },
    })
  ).data.data;

// Who we are. The proof is sent by our own requests only and kept for this tab only: nothing of it is added by the
// browser to what other pages send.

const KEPT = "clusterlink.authorization";
let authorization = sessionStorage.getItem(KEPT);

export const session = { principal: null, role: null, methods: [], cluster_id: "", worker: "" };

export const isOperator = () => session.role === "operator";
export const hasProof = () => authorization !== null;

/** What every request needs. With a proof of our own the browser shall neither add one nor ask for one. */
export function credentials() {
  if (authorization) return { headers: { Authorization: authorization }, credentials: "omit" };
  return { headers: {}, credentials: "same-origin" };
}

export async function recognise() {
  const answer = await fetch("session", { ...credentials(), cache: "no-store" });
  if (!answer.ok) throw new Error(`The worker answered ${answer.status}.`);
  Object.assign(session, { principal: null, role: null }, await answer.json());
  return session.principal !== null;
}

export async function signIn(method, name, secret) {
  authorization = method === "basic" ? `Basic ${base64(`${name}:${secret}`)}` : `Bearer ${secret}`;
  const known = await recognise();
  if (known) sessionStorage.setItem(KEPT, authorization);
  else forget();
  return known;
}

export function forget() {
  authorization = null;
  sessionStorage.removeItem(KEPT);
  session.principal = session.role = null;
}

function base64(text) {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)));
}

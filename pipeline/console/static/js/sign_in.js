// Nobody is known yet: ask for what the worker takes.

import { h } from "./dom.js";
import { refusal } from "./parts.js";
import { signIn } from "./session.js";

export function signInView(methods, done) {
  const takesSecrets = methods.includes("basic") || methods.includes("bearer");
  if (!takesSecrets) {
    return h(
      "section",
      { class: "alone" },
      h("h1", {}, "Certificate needed"),
      h("p", {}, "This worker knows its callers by TLS client certificate, and your browser showed none that it knows. Add one to the browser, then load this page again."),
    );
  }
  const wrong = h("div");
  const submit = async (event, method) => {
    event.preventDefault();
    const form = event.target;
    const button = form.querySelector("button");
    button.disabled = true;
    try {
      if (await signIn(method, form.elements.name?.value ?? "", form.elements.secret.value)) return done();
      wrong.replaceChildren(refusal(401, method === "basic" ? "Name and password are not known here." : "The token is not known here."));
      form.elements.secret.select();
    } catch (error) {
      wrong.replaceChildren(refusal("", error.message));
    } finally {
      button.disabled = false;
    }
  };
  return h(
    "section",
    { class: "alone card" },
    h("h1", {}, "Sign in"),
    wrong,
    methods.includes("basic")
      ? h(
          "form",
          { class: "stack", onsubmit: (event) => submit(event, "basic") },
          h("label", {}, "Name", h("input", { name: "name", autocomplete: "username", required: true, spellcheck: "false" })),
          h("label", {}, "Password", h("input", { name: "secret", type: "password", autocomplete: "current-password", required: true })),
          h("button", { class: "primary" }, "Sign in"),
        )
      : null,
    methods.includes("bearer")
      ? h(
          "form",
          { class: "stack", onsubmit: (event) => submit(event, "bearer") },
          h("label", {}, "Token", h("input", { name: "secret", type: "password", autocomplete: "off", required: true })),
          h("button", { class: "primary" }, methods.includes("basic") ? "Sign in with token" : "Sign in"),
        )
      : null,
    h("p", { class: "small muted" }, "Kept for this tab only, until it is closed or you sign out."),
  );
}

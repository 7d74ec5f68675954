// Creates a token without leaving the form. Only this dialog has the secret, so it does not close by accident.

const dialog = document.getElementById("new-token");

function number(id) {
  const text = document.getElementById(id).value.trim();
  return text === "" ? null : Number(text);
}

function wanted() {
  const limit = number("new-token-limit");
  const windowSeconds = number("new-token-window");
  const rateLimit = limit === null && windowSeconds === null ? null : { limit, windowSeconds };
  return { name: document.getElementById("new-token-name").value, rateLimit };
}

function row(token) {
  const label = document.createElement("label");
  label.className = "ud-token";
  label.dataset.id = token.id;
  const box = Object.assign(document.createElement("input"), { type: "checkbox", value: token.id, checked: true });
  box.name = document.querySelector("[data-row-picker]").dataset.name;
  const name = Object.assign(document.createElement("span"), { className: "ud-token-name", textContent: token.name });
  const id = Object.assign(document.createElement("code"), { className: "ud-subtle", textContent: token.id });
  label.append(box, name, id);
  return label;
}

function setUp() {
  const opener = document.querySelector("[data-new-token]");
  const ask = dialog.querySelector("[data-step=ask]");
  const shown = dialog.querySelector("[data-step=show]");
  const problem = dialog.querySelector("[data-problem]");
  const secret = document.getElementById("new-token-secret");
  const isShown = () => !shown.hidden;

  function step(name) {
    ask.hidden = name !== "ask";
    shown.hidden = name !== "show";
  }

  function complain(text) {
    problem.textContent = text;
    problem.hidden = !text;
  }

  async function make() {
    const csrf = document.querySelector("[name=csrfmiddlewaretoken]").value;
    const answer = await fetch(dialog.dataset.url, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-CSRFToken": csrf },
      body: JSON.stringify(wanted()),
    });
    const content = await answer.json();
    if (!answer.ok) {
      complain(content.errors.map((error) => error.detail).join(" "));
      return;
    }
    document.querySelector("[data-row-picker]").dispatchEvent(new CustomEvent("console:new-row", { detail: row(content) }));
    secret.textContent = content.secret;
    step("show");
    shown.querySelector("[data-copy-from]").focus();
  }

  opener.hidden = false;
  opener.addEventListener("click", () => {
    step("ask");
    complain("");
    document.getElementById("new-token-name").value = "";
    dialog.showModal();
  });
  ask.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = ask.querySelector("[type=submit]");
    button.disabled = true;
    try {
      await make();
    } catch {
      complain(problem.dataset.offline);
    } finally {
      button.disabled = false;
    }
  });
  ask.querySelector("[data-cancel]").addEventListener("click", () => dialog.close());
  shown.querySelector("[data-done]").addEventListener("click", () => dialog.close());
  dialog.addEventListener("cancel", (event) => isShown() && event.preventDefault());
  dialog.addEventListener("close", () => {
    secret.textContent = "";
    step("ask");
    opener.focus();
  });
  window.addEventListener("beforeunload", (event) => dialog.open && isShown() && event.preventDefault());
}

if (dialog) setUp();

// Notices that the session has ended, or that somebody has logged in again, and says so without taking the page: what
// was typed stays. A log-in replaces the CSRF token, so forms take the current one from its cookie.

import { gettext, interpolate } from "./words.js";

const EVERY_MILLISECONDS = 4_000;
const GOOD_NEWS_MILLISECONDS = 8_000;
const FORMS = "#content-main form[method=post]";
const FETCH = { headers: { "X-Requested-With": "fetch" }, cache: "no-store" };

const known = document.querySelector("meta[name=console-session]");
const kept = document.querySelector("[data-kept-form]");
let waiting;
let banner;

export function followSession() {
  const channel = new BroadcastChannel("console-session");
  // A page without a user is one to log in, or says that the user is logged out.
  channel.postMessage(known?.dataset.user ?? "");
  if (!known) return;
  channel.addEventListener("message", ({ data }) => (data !== known.dataset.user || banner) && checkSession());
  document.addEventListener("submit", takeToken, true);
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) return;
    takeToken();
    if (banner || kept || document.querySelector(FORMS)) checkSession();
  });
  if (kept) wait();
}

export async function checkSession() {
  const answer = known && (await fetch(known.content, FETCH).catch(() => undefined));
  if (!answer?.ok) return;
  const { user, name } = await answer.json();
  if (kept) {
    if (user) kept.requestSubmit();
  } else if (user === known.dataset.user) {
    if (banner) welcome();
  } else {
    tell(user, name);
  }
}

function takeToken() {
  const token = document.cookie.match(/(?:^|; )csrftoken=([^;]+)/)?.[1];
  if (!token || kept) return;
  for (const field of document.querySelectorAll("[name=csrfmiddlewaretoken]")) field.value = token;
}

// While nobody is logged in, the page asks from time to time.
function wait() {
  waiting ??= setInterval(() => document.hidden || checkSession(), EVERY_MILLISECONDS);
}

function tell(user, name) {
  const stays = document.querySelector(FORMS) ? gettext("What you typed stays here. Log in in another tab, then save.") : gettext("Log in in another tab to continue here.");
  const other = gettext("You are now logged in as %(name)s. What you save here is saved under that name.");
  const words = user ? interpolate(other, { name }) : `${gettext("You are logged out.")} ${stays}`;
  if (banner?.dataset.words === words) return;
  show(words, "alert");
  if (!user) banner.append(logIn());
  wait();
}

function welcome() {
  clearInterval(waiting);
  waiting = undefined;
  takeToken();
  show(gettext("You are logged in again."), "status");
  const shown = banner;
  banner = undefined;
  setTimeout(() => shown.remove(), GOOD_NEWS_MILLISECONDS);
}

function show(words, role) {
  document.querySelector(".ud-session")?.remove();
  banner = document.createElement("div");
  banner.className = role === "status" ? "ud-session is-good" : "ud-session";
  banner.setAttribute("role", role);
  banner.dataset.words = words;
  const text = document.createElement("p");
  banner.append(text);
  document.body.append(banner);
  // A region is read out when its text changes.
  text.textContent = words;
}

function logIn() {
  const link = document.createElement("a");
  Object.assign(link, { className: "ud-button", href: known.dataset.logIn, target: "_blank", rel: "noopener" });
  link.textContent = gettext("Log in");
  return link;
}

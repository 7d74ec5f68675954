// The panel beside the editor: its tabs, its size, and whether it is shown. The browser remembers all three.

const KEY = "script-panel";
const STEP = 24;
const LEAST = 220;
const ROOM_FOR_EDITOR = 320;
const WIDE = window.matchMedia("(min-width: 75rem)");
const panel = document.getElementById("bench-panel");
const split = document.getElementById("bench-split");
const collapse = document.getElementById("bench-collapse");

const remembered = () => JSON.parse(localStorage.getItem(KEY) ?? "{}");
const remember = (state) => localStorage.setItem(KEY, JSON.stringify({ ...remembered(), ...state }));
const tabs = () => [...panel.querySelectorAll("[role=tab]")];
const nameOf = (tab) => tab.id.replace("tab-", "");

export const isOpen = (name) => document.getElementById(`tab-${name}`)?.getAttribute("aria-selected") === "true";

// Shows the panel with the tab of this name, if there is one.
export function openTab(name) {
  const chosen = document.getElementById(`tab-${name}`);
  if (!chosen) return;
  select(chosen);
  setCollapsed(false);
}

function openRun() {
  openTab("run");
  document.querySelector("#panel-run select")?.focus();
}

export function showPanel() {
  if (!panel) return;
  listenToTabs();
  listenToSplit();
  collapse.addEventListener("click", () => setCollapsed(collapse.getAttribute("aria-expanded") === "true"));
  for (const opener of document.querySelectorAll("[data-open-tab]")) {
    opener.addEventListener("click", () => openTab(opener.dataset.openTab));
  }
  restore();
  // The action of the page's head.
  if (window.location.hash === "#run") openRun();
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[href$='#run']");
    if (link && new URL(link.href).pathname === window.location.pathname) openRun();
  });
  listenToFullScreen();
}

// A build that goes on is shown first, whatever was chosen before.
function restore() {
  const isBuilding = document.getElementById("tab-build") !== null;
  const chosen = document.getElementById(`tab-${remembered().tab}`);
  if (chosen && !isBuilding) select(chosen);
  const arrange = () => {
    // Below the editor, the panel opens when it is used.
    setCollapsed((remembered()[shownName()] ?? !WIDE.matches) && !isBuilding, false);
    setSize(remembered()[sizeName()]);
  };
  WIDE.addEventListener("change", arrange);
  arrange();
}

function select(chosen) {
  for (const tab of tabs()) {
    const isChosen = tab === chosen;
    tab.setAttribute("aria-selected", String(isChosen));
    tab.tabIndex = isChosen ? 0 : -1;
    document.getElementById(tab.getAttribute("aria-controls")).hidden = !isChosen;
  }
}

// Those that are there: a library has no *Run*.
const visibleTabs = () => tabs().filter((tab) => tab.checkVisibility());

function choose(tab) {
  select(tab);
  setCollapsed(false);
  remember({ tab: nameOf(tab) });
}

function listenToTabs() {
  panel.addEventListener("click", (event) => {
    const tab = event.target.closest("[role=tab]");
    if (tab) choose(tab);
  });
  panel.querySelector("[role=tablist]").addEventListener("keydown", (event) => {
    const all = visibleTabs();
    const at = all.indexOf(event.target.closest("[role=tab]"));
    const next = { ArrowRight: at + 1, ArrowDown: at + 1, ArrowLeft: at - 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[event.key];
    if (next === undefined || at < 0) return;
    event.preventDefault();
    const tab = all[(next + all.length) % all.length];
    choose(tab);
    tab.focus();
  });
}

function setCollapsed(isCollapsed, isKept = true) {
  collapse.setAttribute("aria-expanded", String(!isCollapsed));
  panel.parentElement.classList.toggle("is-collapsed", isCollapsed);
  if (isKept) remember({ [shownName()]: isCollapsed });
}

// Wide windows have the panel at the right, others below.
const shownName = () => (WIDE.matches ? "isCollapsed" : "isCollapsedBelow");
const sizeName = () => (WIDE.matches ? "width" : "height");

function setSize(pixels) {
  const room = WIDE.matches ? panel.parentElement.clientWidth : window.innerHeight;
  const most = Math.max(LEAST, room - ROOM_FOR_EDITOR);
  const size = pixels ? Math.min(Math.max(pixels, LEAST), most) : undefined;
  if (size) panel.parentElement.style.setProperty(`--bench-${sizeName()}`, `${size}px`);
  split.setAttribute("aria-orientation", WIDE.matches ? "vertical" : "horizontal");
  split.setAttribute("aria-valuemin", LEAST);
  split.setAttribute("aria-valuemax", Math.round(most));
  split.setAttribute("aria-valuenow", Math.round(size ?? current()));
  return size;
}

const current = () => (WIDE.matches ? panel.offsetWidth : panel.offsetHeight);

function resize(pixels) {
  remember({ [sizeName()]: setSize(pixels) });
}

function listenToSplit() {
  split.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    split.setPointerCapture(event.pointerId);
    const start = WIDE.matches ? event.clientX : event.clientY;
    const before = current();
    const move = (moved) => resize(before + start - (WIDE.matches ? moved.clientX : moved.clientY));
    split.addEventListener("pointermove", move);
    split.addEventListener("lostpointercapture", () => split.removeEventListener("pointermove", move), { once: true });
  });
  split.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: STEP, ArrowUp: STEP, ArrowRight: -STEP, ArrowDown: -STEP }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    resize(current() + step);
  });
}

// In the top layer, where no part of the page limits it.
function listenToFullScreen() {
  const button = document.getElementById("full-screen");
  const bench = document.getElementById("bench");
  button?.addEventListener("click", () => {
    const isFull = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", String(isFull));
    if (isFull) {
      bench.setAttribute("popover", "manual");
      bench.showPopover();
    } else {
      bench.hidePopover();
      bench.removeAttribute("popover");
    }
  });
}

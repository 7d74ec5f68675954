// One stream for all tabs of a browser, because each stream takes a slot of the server.

import { ChangeSource } from "./live_source.js";

const tabs = new Set();
let source;

function tell(change) {
  for (const tab of tabs) {
    tab.postMessage(change);
  }
}

function follow(tab, after) {
  tabs.add(tab);
  if (!source) {
    source = new ChangeSource(after, tell);
    return;
  }
  for (const change of source.since(after) ?? [null]) {
    tab.postMessage(change);
  }
}

function leave(tab) {
  tabs.delete(tab);
  if (tabs.size === 0) {
    source?.close();
    source = undefined;
  }
}

self.addEventListener("connect", ({ ports: [tab] }) => {
  tab.onmessage = ({ data }) => (data.leave ? leave(tab) : follow(tab, data.after));
});

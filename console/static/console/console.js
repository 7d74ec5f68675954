// What every page of the console does: local times, buttons that copy, controls for the keyboard, live updates.

import { listenToKeys, makeControls } from "./controls.js";
import { showCopyButtons } from "./copying.js";
import { followChanges } from "./live.js";
import { showTimes } from "./times.js";

showCopyButtons();
showTimes(document);
makeControls(document);
listenToKeys();
followChanges();

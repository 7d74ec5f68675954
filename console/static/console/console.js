// What every page of the console does: local times, times that tick, buttons that copy, controls for the keyboard, live updates.

import { listenToKeys, makeControls } from "./controls.js";
import { showCopyButtons } from "./copying.js";
import { showElapsed } from "./elapsed.js";
import { followChanges } from "./live.js";
import { showTimes } from "./times.js";

showCopyButtons();
showTimes(document);
showElapsed();
makeControls(document);
listenToKeys();
followChanges();

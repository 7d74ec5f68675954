// What every page of the console does: local times, buttons that copy, words for who cannot see, live updates.

import { showCopyButtons } from "./copying.js";
import { followChanges } from "./live.js";
import { showTimes } from "./times.js";

showCopyButtons();
showTimes(document);
followChanges();

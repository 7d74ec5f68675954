// What every page of the console does: local times, times that tick, buttons that copy, menus, dialogs, keys, controls for the keyboard, live updates, forms that lose nothing.

import { listenToKeys, makeControls } from "./controls.js";
import { showCopyButtons } from "./copying.js";
import { keepDrafts } from "./drafts.js";
import { showElapsed } from "./elapsed.js";
import { followChanges } from "./live.js";
import { menuOf } from "./objects/menu.js";
import { helpWithForms } from "./object_form.js";
import { followSession } from "./session.js";
import { listenToDialogs } from "./shell/dialogs.js";
import { makeDrawer } from "./shell/drawer.js";
import { listenToShellKeys } from "./shell/keys.js";
import { makePalette } from "./shell/palette.js";
import { keepTimes } from "./times.js";

showCopyButtons();
keepTimes();
showElapsed();
makeControls(document);
listenToKeys();
menuOf("object-menu", () => {}, () => {});
menuOf("new-menu", () => {}, () => {});
makeDrawer();
listenToDialogs();
makePalette();
listenToShellKeys();
followChanges();
followSession();
keepDrafts();
helpWithForms();

// Charts of a page: times in the browser's zone, a tooltip by pointer and keys, fields for a range of one's own.

import { makeMomentFields } from "../moments.js";
import { makeTooltip } from "./tooltip.js";
import { showTicks } from "./ticks.js";

makeMomentFields();
makeTooltip();
showTicks();
document.addEventListener("console:swapped", showTicks);

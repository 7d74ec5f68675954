// Numbers of bytes in words.

import { gettext } from "../words.js";

export function sizeOf(bytes) {
  const units = [gettext("bytes"), "KB", "MB"];
  const step = Math.min(2, Math.floor(Math.log2(Math.max(bytes, 1)) / 10));
  const number = bytes / 1024 ** step;
  return `${(step ? Number(number.toFixed(1)) : number).toLocaleString()} ${units[step]}`;
}

// The equivalent command. The shell takes the secret from $TOKEN.

import { TYPES } from "./formats.js";
import { queryString } from "./sending.js";

export function curlOf({ method, path, query, body, format, prefix }) {
  const parts = [`curl -X ${method}`, quoted(prefix + path + queryString(query)), '-H "Authorization: Bearer $TOKEN"'];
  if (body) {
    parts.push(quoted(`Content-Type: ${TYPES[format]}`, "-H "), quoted(body, "--data-raw "));
  }
  return parts.join(" \\\n  ");
}

const quoted = (text, option = "") => `${option}'${text.replaceAll("'", `'\\''`)}'`;

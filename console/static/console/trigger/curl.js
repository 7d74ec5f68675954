// The equivalent command. The shell takes the secret from $TOKEN.

import { queryString } from "./sending.js";

export function curlOf({ method, path, query, headers, body, file, prefix }) {
  const parts = [`curl -X ${method}`, quoted(prefix + path + queryString(query)), '-H "Authorization: Bearer $TOKEN"'];
  parts.push(...headers.map(([name, value]) => quoted(`${name}: ${value}`, "-H ")));
  if (file) {
    parts.push(quoted(`@${file.name}`, "--data-binary "));
  } else if (body) {
    parts.push(quoted(body, "--data-raw "));
  }
  return parts.join(" \\\n  ");
}

const quoted = (text, option = "") => `${option}'${text.replaceAll("'", `'\\''`)}'`;

// Routes as typed, and the paths that are called.

import { gettext, interpolate } from "../words.js";

const PLACEHOLDER = /^\{(.+)\}$/;

export const parametersOf = (route) => route.split("/").flatMap((segment) => segment.match(PLACEHOLDER)?.[1] ?? []);

// The route with values for its placeholders, encoded for a URL.
export function pathOf(route, values) {
  return route
    .split("/")
    .map((segment) => {
      const name = segment.match(PLACEHOLDER)?.[1];
      return encodeURIComponent(name === undefined ? decoded(segment) : (values.get(name) ?? ""));
    })
    .join("/");
}

// What the user has encoded already is not encoded twice.
function decoded(segment) {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

// Why this cannot be sent, or an empty text.
export function problemOf({ path, values, isThroughHttp }) {
  const missing = [...values].find(([, value]) => value === "");
  if (missing) {
    return interpolate(gettext("Enter a value for the route parameter %(name)s."), { name: missing[0] });
  }
  const slashed = [...values].find(([, value]) => value.includes("/"));
  if (slashed) {
    return interpolate(gettext("The route parameter %(name)s cannot hold a slash."), { name: slashed[0] });
  }
  if (isThroughHttp && path.split("/").some((segment) => /^(\.|%2e){1,2}$/i.test(segment))) {
    return gettext("Browsers resolve . and .. in a path. Send directly to a worker instead.");
  }
  return "";
}

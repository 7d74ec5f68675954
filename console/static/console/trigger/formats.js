// Checks and formats bodies.

import { gettext, interpolate } from "../words.js";

export const TYPES = { json: "application/json", xml: "application/xml", text: "text/plain" };
const INDENT = "  ";

// Whether the text is valid in its format, in words.
export function check(text, format) {
  const bytes = new TextEncoder().encode(text).length;
  const size = interpolate(gettext("%(size)s bytes"), { size: bytes.toLocaleString() });
  if (!text) {
    return { isBad: false, words: gettext("No body") };
  }
  const fault = { json: faultOfJson, xml: faultOfXml, text: () => "" }[format](text);
  return { isBad: Boolean(fault), words: fault || `${size}, ${gettext("valid")}` };
}

export function formatted(text, format) {
  if (format === "json" && text && !faultOfJson(text)) {
    return JSON.stringify(JSON.parse(text), null, 2);
  }
  return format === "xml" && text && !faultOfXml(text) ? indentedXml(text) : text;
}

function faultOfJson(text) {
  try {
    JSON.parse(text);
    return "";
  } catch (error) {
    return interpolate(gettext("Not valid JSON: %(why)s"), { why: error.message });
  }
}

function faultOfXml(text) {
  const fault = new DOMParser().parseFromString(text, "application/xml").querySelector("parsererror");
  return fault ? interpolate(gettext("Not valid XML: %(why)s"), { why: firstLine(fault.textContent) }) : "";
}

const firstLine = (text) => text.replace(/^This page contains the following errors:/, "").trim().split("\n")[0];

function indentedXml(text) {
  const page = new DOMParser().parseFromString(text, "application/xml");
  const declaration = text.match(/^\s*<\?xml[^>]*\?>/)?.[0].trim();
  const lines = [...page.childNodes].flatMap((node) => linesOf(node, ""));
  return [...(declaration ? [declaration] : []), ...lines].join("\n");
}

function linesOf(node, indent) {
  const whole = indent + new XMLSerializer().serializeToString(node);
  const children = [...node.childNodes];
  // Mixed content stays as it is, because white space matters there.
  if (!children.length || children.some((child) => child.nodeType !== Node.ELEMENT_NODE && child.data?.trim())) {
    return whole.trim() ? [whole] : [];
  }
  const shell = new XMLSerializer().serializeToString(node.cloneNode(false));
  const open = shell.replace(/\/>$/, ">").replace(/><\/.*$/, ">");
  return [indent + open, ...children.flatMap((child) => linesOf(child, indent + INDENT)), `${indent}</${node.nodeName}>`];
}

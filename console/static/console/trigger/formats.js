// Checks and formats bodies.

import { gettext, interpolate } from "../words.js";

export const TYPES = {
  json: "application/json",
  xml: "application/xml",
  text: "text/plain",
  form: "application/x-www-form-urlencoded",
  file: "application/octet-stream",
};
const INDENT = "  ";

// Whether the text is valid in its format, in words.
export function check(text, format) {
  const bytes = new TextEncoder().encode(text).length;
  const size = interpolate(gettext("%(size)s bytes"), { size: bytes.toLocaleString() });
  if (!text) {
    return { isBad: false, words: gettext("No body") };
  }
  const fault = { json: faultOfJson, xml: faultOfXml, form: faultOfForm }[format]?.(text);
  const isChecked = format === "json" || format === "xml" || format === "form";
  return { isBad: Boolean(fault), words: fault || (isChecked ? `${size}, ${gettext("valid")}` : size) };
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

// Chromium's page says more around it, partly without a line break.
const firstLine = (text) =>
  text.replace(/^This page contains the following errors:/, "").replace(/Below is a rendering of the page[\s\S]*/, "").trim().split("\n")[0];

// The form is sent as it is written, and a line break would become part of a value.
const faultOfForm = (text) => (text.includes("\n") ? gettext("A form is one line: name=value&name=value") : "");

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

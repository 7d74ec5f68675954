// Django's translations of texts in scripts; English on pages without the catalogue.

export const gettext = (text) => (window.gettext ? window.gettext(text) : text);

export const ngettext = (one, several, count) =>
  window.ngettext ? window.ngettext(one, several, count) : count === 1 ? one : several;

export const interpolate = (text, values) =>
  text.replace(/%\((\w+)\)[sd]/g, (whole, name) => (name in values ? String(values[name]) : whole));

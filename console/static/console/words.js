// Django's translations of texts in scripts; English on pages without the catalogue.

export const gettext = (text) => (window.gettext ? window.gettext(text) : text);

export const interpolate = (text, values) =>
  text.replace(/%\((\w+)\)s/g, (whole, name) => (name in values ? String(values[name]) : whole));

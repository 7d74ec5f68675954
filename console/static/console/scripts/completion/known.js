// What the editor knows: the outline of the SDK, the names of libraries, credentials and script parameters, and the
// modules of the packages that the source asks for.

const NOTHING = { module: "automation.sdk", names: {}, types: {}, keywords: [] };

async function fetched(address) {
  try {
    const answer = await fetch(address);
    return answer.ok && !answer.redirected ? await answer.json() : undefined;
  } catch {
    return undefined;
  }
}

export class Known {
  // `place` has the addresses to ask, `parameters` returns the names in the form.
  constructor(place, parameters) {
    const { libraries, credentials } = JSON.parse(document.getElementById("known-names").textContent);
    Object.assign(this, { place, parameters, libraries, credentials });
    this.outline = NOTHING;
    this.inLibraries = new Map();
    // Names all that the source asks for; the server tells it whenever it checks the source.
    this.packages = "";
    this.inPackages = new Map();
  }

  async load() {
    this.outline = (await fetched(this.place.dataset.sdk)) ?? NOTHING;
  }

  // The names that a library offers. They are asked for once, unless the server did not answer.
  async library(name) {
    if (!this.libraries.includes(name)) return [];
    if (!this.inLibraries.has(name)) {
      const found = await fetched(`${this.place.dataset.library}?${new URLSearchParams({ name })}`);
      if (!found) return [];
      this.inLibraries.set(name, found.names);
    }
    return this.inLibraries.get(name);
  }

  // The modules of the packages that the source asks for. They are asked for until a node has installed the packages.
  async modules() {
    const { packages } = this;
    if (!packages) return [];
    if (!this.inPackages.has(packages)) {
      const found = await fetched(`${this.place.dataset.modules}?${new URLSearchParams({ packages })}`);
      if (!found?.modules) return [];
      this.inPackages.set(packages, found.modules);
    }
    return this.inPackages.get(packages);
  }
}

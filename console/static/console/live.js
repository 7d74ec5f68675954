// Live updates.

export function followChanges() {}

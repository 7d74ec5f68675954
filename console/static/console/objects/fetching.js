// Loads a part of a page while the user types: waits for a pause, and only the last answer counts.

const WAIT_MILLISECONDS = 200;

export function asker(show) {
  let asked = 0;
  let timer = 0;
  async function ask(url, parameters) {
    const number = ++asked;
    try {
      const answer = await fetch(`${url}?${new URLSearchParams(parameters)}`);
      if (number === asked) show(answer.ok && !answer.redirected ? await answer.text() : null);
    } catch {
      if (number === asked) show(null);
    }
  }
  return {
    now: ask,
    soon(url, parameters) {
      window.clearTimeout(timer);
      timer = window.setTimeout(() => ask(url, parameters), WAIT_MILLISECONDS);
    },
  };
}

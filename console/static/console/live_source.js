// Changes from the stream of the management API. Without a free stream slot it polls every two seconds.

const EVENTS = "/api/management/events/";
const TYPES = ["ApiDefinition", "ApiToken", "AutomationScript", "Credential"];
const REFUSED = [401, 403];
const KEPT = 200;
const POLL_MILLISECONDS = 2_000;
const STREAM_AGAIN_MILLISECONDS = 15_000;

export class ChangeSource {
  // Calls `deliver(change)` for every change after the position `after`, `deliver(null)` if some may be missing, and
  // `deliver({ isRefused })` when the server begins or ceases to refuse: the session has ended, or there is one again.
  constructor(after, deliver) {
    this.first = this.last = after;
    this.kept = [];
    this.deliver = deliver;
    this.isRefused = false;
    this.open();
  }

  open() {
    this.stopPolling();
    this.stream = new EventSource(`${EVENTS}stream/?lastEventId=${this.last}`);
    for (const type of TYPES) {
      this.stream.addEventListener(`${type}ChangedEventMessage`, (message) => this.take(message));
    }
    this.stream.addEventListener("error", () => {
      // The browser does not retry a stream that was refused: no free slot, or logged out.
      if (this.stream.readyState === EventSource.CLOSED) {
        this.startPolling();
      }
    });
  }

  take(message) {
    const change = { ...JSON.parse(message.data), position: Number(message.lastEventId) };
    this.last = change.position;
    this.kept.push(change);
    if (this.kept.length > KEPT) {
      this.first = this.kept.shift().position;
    }
    this.deliver(change);
  }

  // The changes after the position `after`, or null if they are no longer known.
  since(after) {
    return after < this.first ? null : this.kept.filter((change) => change.position > after);
  }

  close() {
    this.stream.close();
    this.stopPolling();
  }

  startPolling() {
    this.polling = setInterval(() => this.poll(), POLL_MILLISECONDS);
    this.again = setTimeout(() => this.open(), STREAM_AGAIN_MILLISECONDS);
    this.poll();
  }

  stopPolling() {
    clearInterval(this.polling);
    clearTimeout(this.again);
  }

  async poll() {
    try {
      const answer = await fetch(`${EVENTS}?limit=1`);
      this.notice(REFUSED.includes(answer.status));
      if (answer.ok) {
        this.compare((await answer.json()).results[0]?.id ?? "none");
      }
    } catch {
      // The server is away; the next poll tries again.
    }
  }

  notice(isRefused) {
    if (isRefused !== this.isRefused) {
      this.isRefused = isRefused;
      this.deliver({ isRefused });
    }
  }

  compare(newest) {
    if (newest !== this.seen) {
      this.seen = newest;
      this.deliver(null);
    }
  }
}

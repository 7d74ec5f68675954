"""The sliding window of a token: exact, by Redis' clock, shared by every process of the fleet."""

import math
from uuid import UUID

from broker.client import LuaScript, client
from broker.installation import prefix
from tokens.models import LARGEST_LIMIT

# The key lists the times (microseconds) of the newest admitted requests, oldest first. A request is admitted if fewer
# than `limit` of them lie in the window before it; a refused one leaves no trace. The script returns 0, or in how many
# microseconds the oldest of them leaves the window.
_ADMIT = LuaScript("""
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local limit, window, keep = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
-- A clock that was set back must neither free nor block a token: times in the future count as now.
local ahead = 0
while true do
  local newest = redis.call('LINDEX', KEYS[1], -1)
  if not newest or tonumber(newest) <= now then break end
  redis.call('RPOP', KEYS[1])
  ahead = ahead + 1
end
for _ = 1, ahead do redis.call('RPUSH', KEYS[1], string.format('%.0f', now)) end
-- One millisecond more than the window, as Redis counts it from before it told us the time.
local ttl = math.ceil(window / 1000) + 1
if ahead > 0 then redis.call('PEXPIRE', KEYS[1], ttl) end
local oldest = redis.call('LINDEX', KEYS[1], -limit)
if oldest and tonumber(oldest) + window > now then return tonumber(oldest) + window - now end
redis.call('RPUSH', KEYS[1], string.format('%.0f', now))
redis.call('LTRIM', KEYS[1], -keep, -1)
redis.call('PEXPIRE', KEYS[1], ttl)
return 0
""")


def retry_after(token_id: UUID, limit: int, window_seconds: int) -> int:
    """Count a request of the token.

    Returns 0 if it is admitted, else the whole seconds (at least 1) until the next one can be.

    Raises:
        redis.RedisError: Redis is not reachable; the request may have been counted.
    """
    key = f"{prefix()}rate:{token_id.hex}"
    microseconds = _ADMIT.run(client(), (key,), limit, window_seconds * 1_000_000, LARGEST_LIMIT)
    return math.ceil(int(microseconds) / 1_000_000)

"""The sliding window of a token: exact, on Redis' clock, shared by every process of the fleet."""

import math
from uuid import UUID

from broker.client import LuaScript, client
from broker.installation import prefix
from tokens.models import LARGEST_LIMIT

# The times (microseconds) of the newest admitted requests, oldest first. Admitted is who finds fewer than
# `limit` in the window behind him; a refused request leaves no trace. Answers 0, or after how many
# microseconds the oldest one in the way leaves the window.
_ADMIT = LuaScript("""
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local limit, window, keep = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
-- A clock that was set back must neither free nor block a token: what lies ahead counts as now.
local ahead = 0
while true do
  local newest = redis.call('LINDEX', KEYS[1], -1)
  if not newest or tonumber(newest) <= now then break end
  redis.call('RPOP', KEYS[1])
  ahead = ahead + 1
end
for _ = 1, ahead do redis.call('RPUSH', KEYS[1], string.format('%.0f', now)) end
-- One millisecond more than the window: Redis counts it from before it told us the time.
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

    Returns 0 when it is admitted, else the whole seconds (at least 1) until the next one can be.

    Raises:
        redis.RedisError: the broker is not reachable; whether the request was counted is unknown.
    """
    key = f"{prefix()}rate:{token_id.hex}"
    microseconds = _ADMIT.run(client(), (key,), limit, window_seconds * 1_000_000, LARGEST_LIMIT)
    return math.ceil(int(microseconds) / 1_000_000)

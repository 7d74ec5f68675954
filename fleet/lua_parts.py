"""What the Lua scripts of the fleet share: Redis' clock, estimates of run times, the keeping of records."""

from broker.client import LuaScript

TICKET = (
    *("frame", "is_large", "published", "life", "deadline", "waits_until", "script", "format"),
    *("given_back", "limited"),
)
"""The fields of a ticket, in the order in which `TAKE` returns them; the last two may be missing."""

MOST_BUFFERED_BYTES = 64 * 1024 * 1024
"""How much the records, logs and bodies of runs that are not in the database yet may take in Redis."""

_SHARED = """
local function clock()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- For each script, a key estimates for how many milliseconds its next run will hold a slot: an average of its runs, in
-- which the latest weigh most. Heartbeats renew the key's time to live while a job of the script waits or runs. So the
-- time to live tells since when there is none; after that, the estimate halves every ten seconds.
local KEEP, ACTIVE, HALF = 120000, 4000, 10000
local function estimate(estimates, script)
  local told = tonumber(redis.call('GET', estimates .. script))
  local idle = told and KEEP - redis.call('PTTL', estimates .. script)
  return (told and idle > ACTIVE) and told * 0.5 ^ (idle / HALF) or told
end
local function write(estimates, script, milliseconds)
  redis.call('SET', estimates .. script, string.format('%.1f', milliseconds), 'PX', KEEP)
end
"""

# Appends the record of a run, and its log and bodies (`extra`), to the streams that a background task stores. Logs and
# bodies make room for records. Those that do not fit are counted here; records are numbered, so their gap is counted.
_KEEPING = f"""
local MOST, OVERHEAD = {MOST_BUFFERED_BYTES}, 100
local function keep(records, extras, buffered, record, extra)
  local held = tonumber(redis.call('HGET', buffered, 'bytes') or 0)
  local function add(size)
    held = held + size
    redis.call('HINCRBY', buffered, 'bytes', string.format('%.0f', size))
  end
  if extra ~= '' and held + #record + #extra + 2 * OVERHEAD > MOST then
    redis.call('HINCRBY', buffered, 'lost_extras', 1)
    extra = ''
  end
  while held + #record + OVERHEAD > MOST do
    local oldest = redis.call('XRANGE', extras, '-', '+', 'COUNT', 1)[1]
    if oldest then
      redis.call('XDEL', extras, oldest[1])
      redis.call('HINCRBY', buffered, 'lost_extras', 1)
      add(-#oldest[2][2] - OVERHEAD)
    elseif redis.call('XLEN', records) > 0 then
      return
    else
      -- Somebody else has removed the streams, or Redis has evicted them.
      add(-held)
    end
  end
  redis.call('XADD', records, '*', 'r', record)
  add(#record + OVERHEAD)
  if extra ~= '' then
    redis.call('XADD', extras, '*', 'x', extra)
    add(#extra + OVERHEAD)
  end
end
"""


def queue_script(text: str) -> LuaScript:
    return LuaScript(_SHARED + text.replace("@TICKET", ", ".join(f"'{name}'" for name in TICKET)))


def recording_script(text: str) -> LuaScript:
    return queue_script(_KEEPING + text)

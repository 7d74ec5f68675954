"""The atomic steps of the buffer between runs and the database: keep records, remove stored ones."""

from fleet.lua_parts import queue_script, recording_script

# Keeps the records of runs: pairs of a record, and the log and bodies of the run.
RECORD = recording_script("""
local records, extras, buffered = unpack(KEYS)
for place = 1, #ARGV, 2 do keep(records, extras, buffered, ARGV[place], ARGV[place + 1]) end
""")

# Removes stored entries from the streams, each given as its id and its bytes: `count` records, then extras. Another
# process may have removed some of them.
STORED = queue_script("""
local records, extras, buffered = unpack(KEYS)
local count, bytes = tonumber(ARGV[1]), 0
for place = 2, #ARGV, 2 do
  local removed = redis.call('XDEL', place < 2 + 2 * count and records or extras, ARGV[place])
  bytes = bytes + removed * tonumber(ARGV[place + 1])
end
if bytes > 0 then redis.call('HINCRBY', buffered, 'bytes', string.format('%.0f', -bytes)) end
if redis.call('XLEN', records) + redis.call('XLEN', extras) == 0 then redis.call('HSET', buffered, 'bytes', 0) end
""")

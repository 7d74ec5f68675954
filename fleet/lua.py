"""What `fleet/queue.py` does within Redis, each in one step: publish, take, cancel, look.

All times are Redis' own, in milliseconds. With its memory full, Redis refuses a script's first write that needs memory,
but none that comes after another write. So a script either does all of its work or nothing.
"""

from broker.client import LuaScript

# The message is written last: a job in the queue is complete.
PUBLISH = LuaScript("""
local nodes, ticket, queue, last_use, large = unpack(KEYS)
local places, milliseconds, grace, used_by, frame, is_large, message = unpack(ARGV)
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local refusal = nil
if redis.call('LLEN', queue) >= tonumber(places) then refusal = 'no place' end
if redis.call('ZCOUNT', nodes, string.format('(%.0f', now), '+inf') == 0 then refusal = 'no node' end
if refusal then
  redis.call('DEL', large)
  return refusal
end
local moment = string.format('%.0f', now)
if used_by ~= '' then redis.call('HSET', last_use, used_by, moment) end
redis.call('HSET', ticket, 'frame', frame, 'is_large', is_large, 'published', moment,
  'deadline', string.format('%.0f', now + milliseconds))
redis.call('PEXPIRE', ticket, milliseconds + grace)
redis.call('LPUSH', queue, message)
return 'published'
""")

# Hands the answer of a job over, if there is one, and takes a job for the node `instance`: the job `wanted`, or else
# the next in the queue; expired jobs are skipped. A message that does not begin as those of jobs do is
# left to Celery. Whoever takes a ticket away owns its job. The result is the id of the job taken, the milliseconds
# left, those waited, the frame and whether its body has a key of its own; or nothing.
TAKE = LuaScript("""
local run, reply, queue, tickets, runs = unpack(KEYS)
local has_answer, answer, keep, wanted, instance, grace, least, marker = unpack(ARGV)
local function take(id)
  local published, deadline, frame, is_large = unpack(
    redis.call('HMGET', tickets .. id, 'published', 'deadline', 'frame', 'is_large'))
  if not deadline then return nil end
  local time = redis.call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
  local left = tonumber(deadline) - now
  if left <= tonumber(least) then return nil end
  redis.call('DEL', tickets .. id)
  redis.call('SET', runs .. id, instance, 'PX', left + grace)
  return {id, left, now - published, frame, tonumber(is_large)}
end
if wanted ~= '' then return take(wanted) or {} end
redis.call('DEL', run)
if has_answer == '1' then
  redis.call('RPUSH', reply, answer)
  redis.call('PEXPIRE', reply, keep)
end
for _ = 1, instance == '' and 0 or 100 do
  local message = redis.call('LINDEX', queue, -1)
  if not message or string.sub(message, 1, #marker) ~= marker then break end
  redis.call('RPOP', queue)
  local taken = take(string.sub(message, #marker + 1, #marker + 36))
  if taken then return taken end
end
return {}
""")

# Cancels a job that nobody has taken. The waiting caller passes no `answer`: it gets a reply that has just arrived, or
# gives the run up. Anybody else leaves `answer` for the caller, and a running job alone.
CANCEL = LuaScript("""
local ticket, reply, run, large = unpack(KEYS)
local answer, keep = unpack(ARGV)
if redis.call('DEL', ticket) == 1 then
  redis.call('DEL', large)
  if answer ~= '' then
    redis.call('RPUSH', reply, answer)
    redis.call('PEXPIRE', reply, keep)
  end
  return 'never started'
end
if answer ~= '' then return 'may have run' end
redis.call('DEL', large)
local last = redis.call('LPOP', reply)
if last then return {last} end
redis.call('DEL', run)
return 'may have run'
""")

# Whether nobody will answer any more: not while the ticket waits, or the reply is there. A ticket whose message is not
# in the queue gets another one: a node has taken the message and died with it, or is just about to claim the ticket,
# and then the second one does nothing. A node that leaves is no longer among the nodes, but finishes what it runs: its
# state is still there.
IS_LOST = LuaScript("""
local ticket, reply, run, nodes, queue = unpack(KEYS)
local state, message = unpack(ARGV)
if redis.call('EXISTS', ticket) == 1 then
  if not redis.call('LPOS', queue, message) then redis.call('RPUSH', queue, message) end
  return 0
end
if redis.call('EXISTS', reply) == 1 then return 0 end
local node = redis.call('GET', run)
if not node then return 1 end
if redis.call('EXISTS', state .. node) == 1 then return 0 end
local ends = redis.call('ZSCORE', nodes, node)
local time = redis.call('TIME')
if ends and tonumber(ends) > time[1] * 1000 + math.floor(time[2] / 1000) then return 0 end
return 1
""")

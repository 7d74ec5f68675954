"""What the queue does within Redis, each in one step: publish, claim, reply, cancel, look. For `automation/queue.py`.

All times are Redis' own, in milliseconds.
"""

from broker.client import Script

# Publishing and noting the deadline are one step: with no node alive, or no place, nothing is left behind.
# Who has been let in for it, is noted on the same trip. `place` says where in the line it stands. With nobody before
# it, a job goes to whoever lingers: at once, and without Celery; of several to the one that had work last, whose caches
# are warm. But only one that somebody waits for: he sends it again, should the thread have died.
PUBLISH = Script("""
local nodes, ticket, queue, last_use, published, large, lingering, handed = unpack(KEYS)
local places, milliseconds, grace, id, message, is_waited_for, used_by, meta, body = unpack(ARGV)
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local refusal = nil
local waiting = redis.call('LLEN', queue)
if waiting >= tonumber(places) then refusal = 'no place' end
if redis.call('ZCOUNT', nodes, string.format('(%.0f', now), '+inf') == 0 then refusal = 'no node' end
if refusal then
  redis.call('DEL', large)
  return refusal
end
redis.call('HSET', ticket, 'meta', meta, 'body', body, 'published', string.format('%.0f', now),
  'deadline', string.format('%.0f', now + milliseconds), 'place', redis.call('INCR', published))
redis.call('PEXPIRE', ticket, milliseconds + grace)
local waiter = nil
if is_waited_for == '1' and waiting == 0 then
  waiter = redis.call('ZREVRANGEBYSCORE', lingering, '+inf', string.format('(%.0f', now), 'LIMIT', 0, 1)[1]
end
if waiter then
  redis.call('ZREM', lingering, waiter)
  redis.call('RPUSH', handed .. waiter, id, id)
  redis.call('PEXPIRE', handed .. waiter, milliseconds)
else
  redis.call('LPUSH', queue, message)
end
if used_by ~= '' then redis.call('HSET', last_use, used_by, string.format('%.0f', now)) end
return 'published'
""")

# Who takes a ticket away owns its job. Answers the job's id, the milliseconds left, those waited, meta and body; or
# nothing: it is at its deadline, taken already or cancelled.
_TAKE = """
local function take(id, instance, tickets, runs, claimed, grace, least)
  local published, deadline, place, meta, body = unpack(
    redis.call('HMGET', tickets .. id, 'published', 'deadline', 'place', 'meta', 'body'))
  if not deadline then return nil end
  local time = redis.call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
  local left = tonumber(deadline) - now
  if left <= tonumber(least) then return nil end
  redis.call('DEL', tickets .. id)
  redis.call('SET', runs .. id, instance, 'PX', left + grace)
  redis.call('SET', claimed, place)
  return {id, left, now - published, meta, body}
end
"""

CLAIM = Script(f"""{_TAKE}
return take(ARGV[1], ARGV[2], KEYS[1], KEYS[2], KEYS[3], ARGV[3], ARGV[4]) or {{}}
""")

# Takes what was handed to a thread, which was woken by the first of two entries.
TAKE_HANDED = Script(f"""{_TAKE}
local handed, tickets, runs, claimed = unpack(KEYS)
local id = redis.call('LPOP', handed)
return id and take(id, ARGV[1], tickets, runs, claimed, ARGV[2], ARGV[3]) or {{}}
""")

# Hands an answer over, if there is one, and takes the next job for the node that has answered; a job whose time is over
# is passed by. With nothing to take, the thread `waiter` is noted as one that lingers, once nothing is left of what it
# was handed when it did not listen. A full memory refuses the first write that needs some, and none after one that
# frees some: what has run is answered in any case.
FINISH = Script(f"""{_TAKE}
local run, reply, queue, tickets, runs, claimed, lingering, handed = unpack(KEYS)
-- What somebody else has put into the queue is nobody's ticket.
local function id_of(message)
  local is_json, entry = pcall(cjson.decode, message)
  return is_json and type(entry) == 'table' and type(entry.headers) == 'table' and tostring(entry.headers.id) or ''
end
local has_answer, answer, keep, instance, grace, least, waiter, linger = unpack(ARGV)
redis.call('DEL', run)
if has_answer == '1' then
  redis.call('RPUSH', reply, answer)
  redis.call('PEXPIRE', reply, keep)
end
if waiter ~= '' then redis.call('ZREM', lingering, waiter) end
for _ = 1, instance == '' and 0 or 100 do
  local message = redis.call('RPOP', queue)
  if not message then break end
  local taken = take(id_of(message), instance, tickets, runs, claimed, grace, least)
  if taken then return taken end
end
if waiter ~= '' then
  local id = redis.call('LPOP', handed)
  redis.call('DEL', handed)
  local taken = id and take(id, instance, tickets, runs, claimed, grace, least)
  if taken then return taken end
  local time = redis.call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
  redis.call('ZREMRANGEBYSCORE', lingering, '-inf', string.format('%.0f', now))
  redis.call('ZADD', lingering, string.format('%.0f', now + linger), waiter)
end
return {{}}
""")

# A reply that came at the last moment still counts.
CANCEL = Script("""
local ticket, reply, run, large = unpack(KEYS)
redis.call('DEL', large)
if redis.call('DEL', ticket) == 1 then return 'never started' end
local answer = redis.call('LPOP', reply)
if answer then return {answer} end
redis.call('DEL', run)
return 'may have run'
""")

# Whether nobody will answer any more. While the ticket waits, or the reply is there, that is not so. But a message that
# a node took and died with is sent again: nobody stands in the queue, or somebody who stood behind it had his turn.
# A node that leaves is no longer among the nodes, but finishes what it runs: its state is still there.
IS_LOST = Script("""
local ticket, reply, run, nodes, queue, published, claimed = unpack(KEYS)
local state, message = unpack(ARGV)
local place = redis.call('HGET', ticket, 'place')
if place then
  if redis.call('LLEN', queue) == 0 or tonumber(redis.call('GET', claimed) or 0) > tonumber(place) then
    redis.call('HSET', ticket, 'place', redis.call('INCR', published))
    redis.call('RPUSH', queue, message)
  end
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

"""The atomic steps of the queue in Redis: publish, take, give back, cancel, check, beat.

All times are Redis' own, in milliseconds. A ticket belongs to one life of the server, its `run_id`. One that comes back
from a snapshot, or with a promoted replica, may have been taken before: no node takes it, and no caller is told that
its job never started. When its memory is full, Redis refuses the first write of a script that needs memory, but none
after another write. So a script does either all of its work or nothing.
"""

from fleet.lua_parts import queue_script, recording_script

# The message is written last, so a job in the queue is complete. Refused are:
# - a job that arrives more than `late` milliseconds after it was `sent`, for its caller may have been answered;
# - a job that would not be done in time, unless fewer jobs wait than there are slots. `too long` is followed by the
#   milliseconds that it lacks;
# - a frame that some living node cannot read, in favour of the first of `formats` that all nodes read, or some.
# - a job of the definition `limited`, if as many of its jobs wait or run as it may have (`most_active`). Those whose
#   node has died, and which left no other trace, are no longer counted. `busy` is followed by the milliseconds that a
#   run takes.
# Without a further check, the caller certainly waits for `sure` milliseconds.
PUBLISH = queue_script("""
local nodes, fleet, ticket, queue, last_use, large, waiting, estimates, actives, tickets, states, leaving = unpack(KEYS)
local most, left, grace, least, used_by, frame, is_large, message = unpack(ARGV)
local sent, late, life, sure, script, format, formats, id, limited, most_active = unpack(ARGV, 9)
local now = clock()
local length = redis.call('LLEN', queue)
local slots, all, some = unpack(redis.call('HMGET', fleet, 'slots', 'all', 'some'))
local function in_another_format()
  if not all or string.find(all, ' ' .. format .. ' ', 1, true) then return nil end
  for _, readers in ipairs({all, some}) do
    for other in string.gmatch(formats, '%d+') do
      if string.find(readers, ' ' .. other .. ' ', 1, true) then
        return other ~= format and 'format ' .. other or nil
      end
    end
  end
  return 'other release'
end
local function too_long()
  if not slots or length < tonumber(slots) then return nil end
  local jobs, sum, counts = 0, 0, redis.call('HGETALL', waiting)
  for place = 1, #counts, 2 do
    local count = math.max(0, tonumber(counts[place + 1]))
    jobs, sum = jobs + count, sum + count * (tonumber(redis.call('GET', estimates .. counts[place])) or 0)
  end
  -- Messages of cancelled jobs stay in the queue, and expired tickets in the counts.
  length = math.min(length, jobs)
  if jobs == 0 or length < tonumber(slots) then return nil end
  local run = math.max(estimate(estimates, script) or 0, tonumber(least))
  local lacks = length * sum / jobs / slots + run - left
  return lacks > 0 and string.format('too long %.0f', lacks) or nil
end
local function is_active(job, seen, told)
  -- A claimed job is named by the next heartbeats of its node, even when its caller has given it up.
  return now - seen < 6000 or redis.call('EXISTS', tickets .. job) == 1 or string.find(told, job, 1, true)
end
local function busy()
  if limited == '' then return nil end
  local active = actives .. limited
  if redis.call('ZCARD', active) < tonumber(most_active) then return nil end
  local told = ''
  for _, set in ipairs({nodes, leaving}) do
    for _, each in ipairs(redis.call('ZRANGEBYSCORE', set, string.format('(%.0f', now), '+inf')) do
      told = told .. (redis.call('GET', states .. each) or '')
    end
  end
  local jobs = redis.call('ZRANGE', active, 0, -1, 'WITHSCORES')
  for place = 1, #jobs, 2 do
    if not is_active(jobs[place], tonumber(jobs[place + 1]), told) then redis.call('ZREM', active, jobs[place]) end
  end
  if redis.call('ZCARD', active) < tonumber(most_active) then return nil end
  return string.format('busy %.0f', estimate(estimates, script) or 0)
end
local function refusal()
  if math.abs(now - sent) > tonumber(late) then return 'too late' end
  if redis.call('ZCOUNT', nodes, string.format('(%.0f', now), '+inf') == 0 then return 'no node' end
  if length >= tonumber(most) then return 'queue full' end
  return in_another_format() or busy() or too_long()
end
local refused = refusal()
if refused then
  if string.sub(refused, 1, 7) ~= 'format ' then redis.call('DEL', large) end
  return refused
end
local moment, asked = string.format('%.0f', now), math.min(now, tonumber(sent))
if used_by ~= '' then redis.call('HSET', last_use, used_by, moment) end
redis.call('HSET', ticket, 'frame', frame, 'is_large', is_large, 'published', moment, 'life', life,
  'deadline', string.format('%.0f', asked + left), 'waits_until', string.format('%.0f', asked + sure),
  'script', script, 'format', format)
if limited ~= '' then
  redis.call('HSET', ticket, 'limited', limited)
  redis.call('ZADD', actives .. limited, moment, id)
  redis.call('PEXPIRE', actives .. limited, 86400000)
end
redis.call('PEXPIRE', ticket, left + grace)
redis.call('HINCRBY', waiting, script, 1)
redis.call('LPUSH', queue, message)
return 'published'
""")

# Hands over the answer to a job, if there is one, keeps the records of its runs, and takes a job for the node
# `instance`: the job `wanted`, or else the next in the queue. It skips expired jobs, and jobs whose caller may have
# given up because Redis was unreachable: if the caller still waits, its next check sends the message again. Messages of
# other tasks are left to Celery. Whoever deletes a ticket owns its job; a ticket in a format that the node cannot read
# stays.
# The result is the id of the job taken, the milliseconds left and waited, and the fields of its ticket (`TICKET`); or
# only the format of a job `wanted` that the node cannot read; or nothing. The finished job, `done`, held its slot for
# `held` milliseconds, which go into the estimate for its script `ran`; it belongs to the definition `limited`, if that
# limits its jobs. Further arguments are pairs: a record, and the log and bodies of the run.
TAKE = recording_script("""
local run, reply, queue, waiting, tickets, runs, estimates, actives, records, extras, buffered = unpack(KEYS)
-- Not `unpack(ARGV)`: Lua has no room for thousands of values.
local has_answer, answer, lasts, wanted, instance, grace, least, marker, life, formats, ran, held = unpack(ARGV, 1, 12)
local limited, done = unpack(ARGV, 13, 14)
local function take(id)
  local ticket = redis.call('HMGET', tickets .. id, @TICKET)
  local _, _, published, born, deadline, waits_until, script, format, _, limited = unpack(ticket, 1, 10)
  if not deadline or born ~= life then return nil end
  if not string.find(formats, ' ' .. format .. ' ', 1, true) then return {format} end
  local now = clock()
  local left = tonumber(deadline) - now
  if left <= tonumber(least) or now > tonumber(waits_until) then return nil end
  redis.call('DEL', tickets .. id)
  local moment = string.format('%.0f', now)
  local claim = instance .. ' ' .. moment .. ' ' .. waits_until .. ' ' .. (limited or '')
  redis.call('SET', runs .. id, claim, 'PX', left + grace)
  redis.call('HINCRBY', waiting, script, -1)
  if limited then redis.call('ZADD', actives .. limited, 'XX', moment, id) end
  return {id, left, now - published, ticket}
end
if wanted ~= '' then return take(wanted) or {} end
redis.call('DEL', run)
if limited ~= '' then redis.call('ZREM', actives .. limited, done) end
if has_answer == '1' then
  redis.call('RPUSH', reply, answer)
  redis.call('PEXPIRE', reply, lasts)
end
for place = 15, #ARGV, 2 do keep(records, extras, buffered, ARGV[place], ARGV[place + 1]) end
if ran ~= '' then
  local told = estimate(estimates, ran) or tonumber(held)
  write(estimates, ran, told + (held - told) / 8)
end
for _ = 1, instance == '' and 0 or 100 do
  local message = redis.call('LINDEX', queue, -1)
  if not message or string.sub(message, 1, #marker) ~= marker then break end
  local taken = take(string.sub(message, #marker + 1, #marker + 36))
  -- It has another format: Celery fetches it, and this node leaves it to others.
  if taken and #taken == 1 then break end
  redis.call('RPOP', queue)
  if taken then return taken end
end
return {}
""")

# Puts a job that the node `instance` has taken, but not begun, at the head of the queue, with the fields of its ticket;
# but not if its caller has given it up and was told that it may have run. The result is whether the job waits again.
GIVE_BACK = queue_script("""
local ticket, run, queue, large, waiting = unpack(KEYS)
local instance, message, grace, script = unpack(ARGV)
local claim = redis.call('GET', run)
if not claim or string.match(claim, '%S+') ~= instance then
  redis.call('DEL', large)
  return 0
end
redis.call('DEL', run)
redis.call('HSET', ticket, unpack(ARGV, 5))
redis.call('PEXPIREAT', ticket, string.format('%.0f', redis.call('HGET', ticket, 'deadline') + grace))
redis.call('HINCRBY', waiting, script, 1)
redis.call('RPUSH', queue, message)
return 1
""")

# Cancels a job that no node has taken. The waiting caller passes no `answer`: it gets a reply that has just arrived, or
# else gives up a running job. Others pass the `answer` for the caller, and do not touch a running job.
CANCEL = queue_script("""
local ticket, reply, run, large, waiting, actives = unpack(KEYS)
local answer, keep, life, id = unpack(ARGV)
local born, script, limited = unpack(redis.call('HMGET', ticket, 'life', 'script', 'limited'))
if redis.call('DEL', ticket) == 1 and born == life then
  redis.call('DEL', large)
  redis.call('HINCRBY', waiting, script, -1)
  if limited then redis.call('ZREM', actives .. limited, id) end
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
local limited = string.match(redis.call('GET', run) or '', '%S+ %d+ %d+ (%S+)')
redis.call('DEL', run)
if limited then redis.call('ZADD', actives .. limited, 'XX', string.format('%.0f', clock()), id) end
return 'may have run'
""")

# Whether no answer will come any more: not while the ticket waits or the reply is there. The check notes that the
# caller still waits; it frees memory before it takes some. A ticket whose message is not in the queue gets another
# message: a node has skipped the job, or has died with its message, or is about to claim the ticket. In the last case
# the second message does nothing. A claimed job is lost if its node is gone, or does not run it: a beat that began more
# than `late` milliseconds after the claim would name the job. A node that continues later finds that it no longer owns
# the job. A node that leaves finishes what it runs.
IS_LOST = queue_script("""
local ticket, reply, run, queue = unpack(KEYS)
local state, message, id, late, waits_until, life = unpack(ARGV)
local function later(known) return string.format('%.0f', math.max(tonumber(known), tonumber(waits_until))) end
local born, known = unpack(redis.call('HMGET', ticket, 'life', 'waits_until'))
if born == life then
  redis.call('HDEL', ticket, 'waits_until')
  redis.call('HSET', ticket, 'waits_until', later(known))
  if not redis.call('LPOS', queue, message) then redis.call('RPUSH', queue, message) end
  return 0
end
if redis.call('EXISTS', reply) == 1 then return 0 end
local claim = redis.call('GET', run)
if not claim then return 1 end
local node, claimed, sure, limited = string.match(claim, '(%S+) (%d+) (%d+)(.*)')
local told = redis.call('GET', state .. node)
local began = tonumber(string.match(told or '', '%d+'))
if told and (began <= claimed + late or string.find(told, id, 1, true)) then
  redis.call('PEXPIRE', run, redis.call('PTTL', run))
  redis.call('SET', run, node .. ' ' .. claimed .. ' ' .. later(sure) .. limited, 'KEEPTTL')
  return 0
end
redis.call('DEL', run)
return 1
""")

# Whether the node `instance` still owns a job that it has claimed, and the caller certainly still waits.
IS_HELD = queue_script("""
local claim = redis.call('GET', KEYS[1])
if not claim then return 0 end
local node, _, waits_until = string.match(claim, '(%S+) (%d+) (%d+)')
return (node == ARGV[1] and clock() <= tonumber(waits_until)) and 1 or 0
""")

# Notes that a node is alive. ZREMRANGEBYSCORE comes first: Redis allows it when its memory is full, and then every
# later write of the script. A node that takes no triggers is not among the nodes, but among those that leave, and its
# state tells what it still runs. One key holds what the nodes offer together, for `PUBLISH`. Further arguments are
# pairs: the script of a running job, and its milliseconds so far.
BEAT = queue_script("""
local nodes, node, offers, fleet, queue, waiting, estimates, leaving = unpack(KEYS)
local lasts, instance, state, word, began, slots, formats = unpack(ARGV)
local now = clock()
redis.call('ZREMRANGEBYSCORE', nodes, '-inf', string.format('%.0f', now - 60000))
redis.call('ZREMRANGEBYSCORE', leaving, '-inf', string.format('%.0f', now - 60000))
redis.call('ZREM', word == 'leaves' and nodes or leaving, instance)
if word == 'leaves' then
  redis.call('ZADD', leaving, string.format('%.0f', now + lasts), instance)
  redis.call('HDEL', offers, instance)
else
  redis.call('ZADD', nodes, string.format('%.0f', now + lasts), instance)
  redis.call('HSET', offers, instance, slots .. ' ' .. formats)
end
redis.call('SET', node, began .. ' ' .. state, 'PX', lasts)

local living, together, nobody, readers = 0, 0, {}, {}
for _, each in ipairs(redis.call('HKEYS', offers)) do nobody[each] = true end
for _, each in ipairs(redis.call('ZRANGEBYSCORE', nodes, string.format('(%.0f', now), '+inf')) do
  local offered = redis.call('HGET', offers, each)
  if offered then
    nobody[each] = nil
    living, together = living + 1, together + string.match(offered, '^%d+')
    for format in string.gmatch(string.match(offered, ' .*'), '%d+') do readers[format] = (readers[format] or 0) + 1 end
  end
end
for each in pairs(nobody) do redis.call('HDEL', offers, each) end
local all, some = ' ', ' '
for format, count in pairs(readers) do
  some = some .. format .. ' '
  if count == living then all = all .. format .. ' ' end
end
redis.call('DEL', fleet)
if living > 0 then redis.call('HSET', fleet, 'slots', together, 'all', all, 'some', some) end

-- Tickets that have expired are still counted.
if redis.call('LLEN', queue) == 0 then redis.call('DEL', waiting) end
local counts = redis.call('HGETALL', waiting)
for place = 1, #counts, 2 do
  local told = tonumber(counts[place + 1]) > 0 and estimate(estimates, counts[place])
  if told then write(estimates, counts[place], told) end
end
for place = 8, #ARGV, 2 do
  local script, elapsed = ARGV[place], tonumber(ARGV[place + 1])
  write(estimates, script, math.max(elapsed, estimate(estimates, script) or 0))
end
""")

/**
 * The steps of a cluster's store in Redis, as scripts that Redis runs as a whole. Called by redis-store. All keys of a
 * campaign have its id as their hash tag, so that they are on one node of a Redis Cluster, where scripts may also use
 * the keys of its slices, which are made of a prefix and a number.
 *
 *   campaign    hash   definition, shown (without the message), rate, inFlight, paused, stopped, holder, until, renewed,
 *                      head (outcomes that were removed), w, c, e (slices by state), tokens and at (of the rate)
 *   slices      hash   slice → `<epoch> <last commit of the epoch> <w|c|e> <worker>`: waiting, claimed, ended
 *   manifests   hash   slice → manifest
 *   outcomes    list   that wait for the dispatcher
 *   r<slice>    hash   the journal of a slice, until it has ended
 *
 * Redis without memory refuses a script at its first write that could need some, and lets one go on that has written
 * before. So scripts that add begin with such a write, and happen as a whole or not at all. Scripts that free memory,
 * or steer, begin with a write that needs none.
 *
 * Keys live for some weeks after a dispatcher has held the campaign for the last time. The key of the campaign is the
 * first one to expire: slices without records must not look like new ones.
 */
import { RedisScript } from '../../stores/redis-script.js';

const base = `
local call = redis.call
local function nowMs()
  local time = call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end
local function steering()
  local f = call('HMGET', KEYS[1], 'rate', 'inFlight', 'paused', 'stopped', 'holder', 'until')
  if not f[3] then return false end
  local isHeld = f[5] and tonumber(f[6]) > nowMs()
  return {f[1], f[2], f[3], f[4], isHeld and '1' or '0'}
end
local function parts(value)
  local epoch, commit, state, worker = string.match(value, '^(%d+) (%d+) (%a) (.*)$')
  return tonumber(epoch), tonumber(commit), state, worker
end
local function count(from, to)
  if from then call('HINCRBY', KEYS[1], from, -1) end
  if to then call('HINCRBY', KEYS[1], to, 1) end
end
local function wipe(slices, manifests, outcomes, prefix)
  for _, slice in ipairs(call('HKEYS', slices)) do call('UNLINK', prefix .. slice) end
  call('UNLINK', slices, manifests, outcomes)
end
`;

const script = (lua: string): RedisScript => new RedisScript(base + lua);

/** Keys: campaign, slices, manifests, outcomes. Returns 1 where the campaign is new. */
export const beginScript = script(`
local isKnown = call('EXISTS', KEYS[1]) == 1
call('HSET', KEYS[1], 'definition', ARGV[1], 'shown', ARGV[2])
call('PEXPIRE', KEYS[1], ARGV[7])
if isKnown then return 0 end
call('HSET', KEYS[1], 'rate', ARGV[3], 'inFlight', ARGV[4], 'paused', ARGV[5],
  'stopped', ARGV[6], 'head', '0', 'w', '0', 'c', '0', 'e', '0', 'renewed', '0')
wipe(KEYS[2], KEYS[3], KEYS[4], ARGV[8])
return 1
`);

/** Keys: as for begin. Arguments: holder, for, life, life of what is renewed, time between renewals, prefix. */
export const holdScript = script(`
if call('PEXPIRE', KEYS[1], ARGV[3]) == 0 then return 0 end
local f = call('HMGET', KEYS[1], 'holder', 'until', 'renewed')
local now = nowMs()
if f[1] and f[1] ~= ARGV[1] and tonumber(f[2]) > now then return 0 end
call('HSET', KEYS[1], 'holder', ARGV[1], 'until', string.format('%.0f', now + ARGV[2]))
if now - tonumber(f[3]) < tonumber(ARGV[5]) then return 1 end
call('HSET', KEYS[1], 'renewed', string.format('%.0f', now))
for key = 2, 4 do call('PEXPIRE', KEYS[key], ARGV[4]) end
for _, slice in ipairs(call('HKEYS', KEYS[2])) do call('PEXPIRE', ARGV[6] .. slice, ARGV[4]) end
return 2
`);

/** Keys: campaign. */
export const letGoScript = script(`
if call('HGET', KEYS[1], 'holder') == ARGV[1] then call('HDEL', KEYS[1], 'holder') end
`);

/** Keys: campaign. Arguments: life, then names and values. An empty value is null. */
export const steerScript = script(`
if call('PEXPIRE', KEYS[1], ARGV[1]) == 0 then return end
for at = 2, #ARGV, 2 do
  local stays = ARGV[at] == 'stopped' and (ARGV[at + 1] == '' or call('HGET', KEYS[1], 'stopped') ~= '')
  if not stays then call('HSET', KEYS[1], ARGV[at], ARGV[at + 1]) end
end
`);

export const unstopScript = script(`
if call('PEXPIRE', KEYS[1], ARGV[1]) == 1 then call('HSET', KEYS[1], 'stopped', '') end
`);

export const steeringScript = script('return steering()');

/** Keys: campaign, slices, manifests, outcomes. */
export const endScript = script(`
call('UNLINK', KEYS[1])
wipe(KEYS[2], KEYS[3], KEYS[4], ARGV[1])
`);

/** Keys: campaign, slices, manifests. Arguments: slice, manifest, life. */
export const addSliceScript = script(`
if call('EXISTS', KEYS[1]) == 0 or call('HSETNX', KEYS[2], ARGV[1], '0 0 w ') == 0 then return end
call('HSET', KEYS[3], ARGV[1], ARGV[2])
call('PEXPIRE', KEYS[2], ARGV[3])
call('PEXPIRE', KEYS[3], ARGV[3])
count(nil, 'w')
`);

/** Keys: campaign, slices, manifests. Returns what both have: slice, value, slice, value … */
export const slicesScript = script(`
if call('EXISTS', KEYS[1]) == 0 then return {{}, {}} end
return {call('HGETALL', KEYS[2]), call('HGETALL', KEYS[3])}
`);

/** Keys: campaign, slices, manifests. Arguments: prefix, then slices. */
export const removeSlicesScript = script(`
local exists = call('EXISTS', KEYS[1]) == 1
for at = 2, #ARGV do
  local value = call('HGET', KEYS[2], ARGV[at])
  if value then
    call('HDEL', KEYS[2], ARGV[at])
    call('HDEL', KEYS[3], ARGV[at])
    call('UNLINK', ARGV[1] .. ARGV[at])
    local _, _, state = parts(value)
    if exists then count(state) end
  end
end
`);

/**
 * Keys: campaign, slices, records. Arguments: slice, worker, the epoch before or nothing. Returns epoch, steering,
 * records; 0 where the slice was claimed since that epoch.
 */
export const claimScript = script(`
local now = steering()
local value = now and call('HGET', KEYS[2], ARGV[1])
if not value then return false end
local epoch, _, state = parts(value)
if state == 'e' then return false end
local after = tonumber(ARGV[3])
if after and epoch ~= after then return 0 end
call('HSET', KEYS[2], ARGV[1], string.format('%.0f 0 c %s', epoch + 1, ARGV[2]))
if state == 'w' then count('w', 'c') end
return {epoch + 1, now, call('HGETALL', KEYS[3])}
`);

/**
 * Keys: campaign, slices, records, outcomes. Arguments: slice, epoch, number of the commit, whether it has ended, life,
 * number of changes, keys and values, outcomes. Returns the steering, or nothing where the slice is another one's.
 *
 * A commit that was applied is not applied again. One before which others are missing has lost what Redis had answered
 * for, such as after a restart without its file: its claim is at an end.
 */
export const commitScript = script(`
local now = steering()
local value = now and call('HGET', KEYS[2], ARGV[1])
if not value then return false end
local epoch, commit, state, worker = parts(value)
local number = tonumber(ARGV[3])
if epoch ~= tonumber(ARGV[2]) or number > commit + 1 then return false end
if number <= commit then return now end
if state == 'e' then return false end
local ends = ARGV[4] == '1'
call('HSET', KEYS[2], ARGV[1], string.format('%.0f %.0f %s %s', epoch, number, ends and 'e' or 'c', worker))
local at = 7
for _ = 1, tonumber(ARGV[6]) do
  if not ends then call('HSET', KEYS[3], ARGV[at], ARGV[at + 1]) end
  at = at + 2
end
if at > 7 and not ends then call('PEXPIRE', KEYS[3], ARGV[5]) end
if at <= #ARGV then
  for outcome = at, #ARGV do call('RPUSH', KEYS[4], ARGV[outcome]) end
  call('PEXPIRE', KEYS[4], ARGV[5])
end
if ends then
  call('UNLINK', KEYS[3])
  count('c', 'e')
end
return now
`);

const headWithin = `
local head = tonumber(call('HGET', KEYS[1], 'head') or '-1')
local low, high = tonumber(ARGV[1]), tonumber(ARGV[2])
local isOurs = not low or (head >= low and head <= high)
`;

/**
 * Keys: campaign, outcomes. Arguments: lowest and highest head, or nothing; from, counted from the lowest one; limit.
 * Returns the head and outcomes; nothing where they begin elsewhere.
 */
export const outcomesScript = script(`${headWithin}
if head < 0 then return {-1, {}} end
if not isOurs then return false end
local from = tonumber(ARGV[3])
if low then from = low + from - head end
return {head, call('LRANGE', KEYS[2], from, from + ARGV[4] - 1)}
`);

/**
 * Keys: campaign, outcomes. Arguments: lowest and highest head, the head to be. Returns 0 where they begin elsewhere.
 */
export const removeOutcomesScript = script(`${headWithin}
if head < 0 then return 1 end
if not isOurs then return 0 end
local count = ARGV[3] - head
if count > 0 then
  call('LTRIM', KEYS[2], count, -1)
  call('HSET', KEYS[1], 'head', ARGV[3])
end
return 1
`);

/** Keys: campaign, outcomes. */
export const statusScript = script(`
local now = steering()
if not now then return false end
local f = call('HMGET', KEYS[1], 'shown', 'w', 'c', 'e')
return {f[1], now, f[2], f[3], f[4], call('LLEN', KEYS[2])}
`);

/**
 * Keys: campaign. Argument: wanted. Returns granted, and milliseconds to wait. The bucket holds a quarter of a second;
 * it is worth to ask again once half of that is there.
 */
export const takeScript = script(`
local f = call('HMGET', KEYS[1], 'paused', 'rate', 'tokens', 'at')
local wanted = tonumber(ARGV[1])
if not f[1] then return {0, 1000} end
if f[2] == '' then return {wanted, 0} end
local rate = tonumber(f[2])
if rate <= 0 then return {0, 1000} end
local most = math.max(1, rate / 4)
local time = call('TIME')
local now = time[1] + time[2] / 1000000
local tokens = most
if f[3] then tokens = math.min(most, tonumber(f[3]) + math.max(0, now - tonumber(f[4])) * rate) end
local granted = math.min(wanted, math.floor(tokens))
tokens = tokens - granted
call('HSET', KEYS[1], 'tokens', string.format('%.6f', tokens), 'at', string.format('%.6f', now))
if granted == wanted then return {granted, 0} end
local worth = math.min(wanted - granted, math.max(1, most / 2))
return {granted, math.max(1, math.ceil((worth - tokens) / rate * 1000))}
`);

/** Keys: beats (hash), until (sorted set). Arguments: worker, what it says, for, life of the keys. */
export const beatScript = script(`
local now = nowMs()
call('HSET', KEYS[1], ARGV[1], ARGV[2])
call('ZADD', KEYS[2], now + ARGV[3], ARGV[1])
for _, worker in ipairs(call('ZRANGEBYSCORE', KEYS[2], '-inf', now)) do
  call('HDEL', KEYS[1], worker)
  call('ZREM', KEYS[2], worker)
end
call('PEXPIRE', KEYS[1], ARGV[4])
call('PEXPIRE', KEYS[2], ARGV[4])
`);

export const workersScript = script(`
local workers = call('ZRANGEBYSCORE', KEYS[2], '(' .. string.format('%.0f', nowMs()), '+inf')
local beats = {}
for at, worker in ipairs(workers) do beats[at] = call('HGET', KEYS[1], worker) end
return beats
`);

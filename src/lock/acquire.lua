-- Takes all of some keys for one holder, or none, and counts.
--
-- KEYS[1]  the counter of the fencing tokens, or the first key where there is none
-- KEYS[2…] the keys of the lock
-- ARGV[1]  the holder's token
-- ARGV[2]  for how long, in milliseconds
-- ARGV[3]  1 if there is a counter
--
-- Gives the fencing token, 0 without a counter; or -1 and what is left to the others, in milliseconds.
local fenced = ARGV[3] == '1'
local first = fenced and 2 or 1
local locks = {unpack(KEYS, first)}
if #locks == 1 and redis.call('SET', locks[1], ARGV[1], 'NX', 'PX', ARGV[2]) then
    return {fenced and redis.call('INCR', KEYS[1]) or 0, 0}
end
local holders = redis.call('MGET', unpack(locks))
local held, wait = 0, -1
for index, holder in ipairs(holders) do
    if holder == ARGV[1] then
        held = held + 1
    elseif holder then
        wait = math.max(wait, redis.call('PTTL', locks[index]), 0)
    end
end
if wait >= 0 then
    return {-1, wait}
end
-- The same request came before, and its answer was lost: the token that it was given.
if held == #locks then
    return {fenced and tonumber(redis.call('GET', KEYS[1])) or 0, 0}
end
for _, key in ipairs(locks) do
    redis.call('SET', key, ARGV[1], 'PX', ARGV[2])
end
return {fenced and redis.call('INCR', KEYS[1]) or 0, 0}

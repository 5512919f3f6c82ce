-- Counts in one window. What is refused is not counted.
--
-- KEYS[1]  the counter of this window
-- ARGV[1]  how much this call counts; 0 only looks
-- ARGV[2]  the limit
-- ARGV[3]  the window, in milliseconds
--
-- Gives 1 or 0, what was counted then, and 0.
local cost, limit = tonumber(ARGV[1]), tonumber(ARGV[2])
if cost == 0 then
    return {1, tonumber(redis.call('GET', KEYS[1]) or 0), 0}
end
local count = redis.call('INCRBY', KEYS[1], cost)
if count == cost then
    redis.call('PEXPIRE', KEYS[1], ARGV[3])
end
if count > limit then
    return {0, redis.call('DECRBY', KEYS[1], cost), 0}
end
return {1, count, 0}

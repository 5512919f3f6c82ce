-- Counts in one window, and takes as much of the one before it as still reaches into the last so many milliseconds.
--
-- KEYS[1]  the counter of this window
-- KEYS[2]  that of the one before
-- ARGV[1]  how much this call counts; 0 only looks
-- ARGV[2]  the limit
-- ARGV[3]  the window, in milliseconds
-- ARGV[4]  how much of this window has passed, in milliseconds
--
-- Gives 1 or 0, and what is counted in both.
local cost, limit, window = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local current = tonumber(redis.call('GET', KEYS[1]) or 0)
local before = tonumber(redis.call('GET', KEYS[2]) or 0)
local weighed = math.floor((1 - tonumber(ARGV[4]) / window) * before)
if cost == 0 then
    return {1, current, before}
end
if weighed + current + cost > limit then
    return {0, current, before}
end
current = redis.call('INCRBY', KEYS[1], cost)
if current == cost then
    redis.call('PEXPIRE', KEYS[1], 2 * window + 1000)
end
return {1, current, before}

-- Counts in one window. What is refused is not counted.
--
-- KEYS[1]  the counter of this window
--
-- Returns what is counted then, and 0.
if mode == 'look' or mode == 'give' then
    local count = tonumber(redis.call('GET', KEYS[1])) or 0
    if mode == 'give' and count > 0 then
        count = redis.call('DECRBY', KEYS[1], math.min(cost, count))
    end
    return {count + cost <= limit and 1 or 0, count, 0, limit}
end
local count = redis.call('INCRBY', KEYS[1], cost)
if count == cost then
    redis.call('PEXPIRE', KEYS[1], window)
end
if mode == 'take' and count > limit then
    return {0, redis.call('DECRBY', KEYS[1], cost), 0, limit}
end
return {1, count, 0, limit}

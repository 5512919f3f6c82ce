-- Counts in one window, and takes as much of the one before it as still reaches into the last so many milliseconds.
--
-- KEYS[1]  the counter of this window
-- KEYS[2]  that of the one before
--
-- Returns what is counted in both.
local current = tonumber(redis.call('GET', KEYS[1])) or 0
local before = tonumber(redis.call('GET', KEYS[2])) or 0
local fits = math.floor((1 - now % window / window) * before) + current + cost <= limit
if mode == 'force' or mode == 'take' and fits then
    current = redis.call('INCRBY', KEYS[1], cost)
    if current == cost then
        redis.call('PEXPIRE', KEYS[1], 2 * window + 1000)
    end
elseif mode == 'give' then
    -- What was counted last is taken back first.
    local here = math.min(cost, math.max(current, 0))
    local there = math.min(cost - here, math.max(before, 0))
    if here > 0 then
        current = redis.call('DECRBY', KEYS[1], here)
    end
    if there > 0 then
        before = redis.call('DECRBY', KEYS[2], there)
    end
end
return {fits and 1 or 0, current, before, limit}

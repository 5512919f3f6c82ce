-- The beginning of each limit. KEYS are the algorithm's own, then one for each letter of ARGV[6].
--
-- ARGV[1]  'take' counts a call if it fits, 'force' in any case, 'look' does not, 'give' takes back what was counted
-- ARGV[2]  how much it counts
-- ARGV[3]  the limit
-- ARGV[4]  the window, in milliseconds
-- ARGV[5]  now, in Unix milliseconds
-- ARGV[6]  the keys to look at first: 'd' a set of visitors that are always refused, 'b' a key that blocks while it exists,
--          'l' a key with another limit
-- ARGV[7]  the visitor, for 'd'
--
-- Returns 1 if it fits, 0 if not, -1 if it is blocked, -2 if it is denied; two numbers, by the algorithm; and the limit.
--
-- Clocks of callers differ. A stored time that is further ahead than any wait was written by a clock that is ahead. How long
-- its key has left is by the server's clock, and so tells what time it is by that other one: the algorithm goes on by it, and
-- `apart` is the difference.
local mode, cost, limit = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local window, now = tonumber(ARGV[4]), tonumber(ARGV[5])
-- A hundred years, in milliseconds, and the largest whole number that is exact in a double.
local century, most_counted = 3155760000000, 9007199254740991
local asks = mode == 'take' or mode == 'look'
local place = #KEYS - #ARGV[6]
for what in string.gmatch(ARGV[6], '.') do
    place = place + 1
    if what == 'l' then
        limit = tonumber(redis.call('GET', KEYS[place])) or limit
    elseif asks and what == 'd' then
        if redis.call('SISMEMBER', KEYS[place], ARGV[7]) == 1 then
            return {-2, 0, 0, limit}
        end
    elseif asks then
        local left = redis.call('PTTL', KEYS[place])
        if left > 0 then
            return {-1, left, 0, limit}
        end
    end
end

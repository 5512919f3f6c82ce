-- What each limit begins with. KEYS are the algorithm's own, then one for each letter of ARGV[6].
--
-- ARGV[1]  'take' counts a call if it fits, 'force' in any case, 'look' does not, 'give' takes back what was counted
-- ARGV[2]  how much it counts
-- ARGV[3]  the limit
-- ARGV[4]  the window, in milliseconds
-- ARGV[5]  now, in Unix milliseconds
-- ARGV[6]  what is looked at before: 'd' a set of whom nothing is let through, 'b' a key that blocks while it is there,
--          'l' a key with another limit
-- ARGV[7]  whose call it is, for 'd'
--
-- Gives 1 if it fits, 0 if not, -1 if it is blocked, -2 if it is denied; two numbers, by the algorithm; and the limit.
local mode, cost, limit = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local window, now = tonumber(ARGV[4]), tonumber(ARGV[5])
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

-- The generic cell rate algorithm: each call moves the time at which all would be paid for, which may be a window ahead.
--
-- KEYS[1]  that time, in Unix microseconds
-- ARGV[1]  how much this call counts; 0 only looks
-- ARGV[2]  what one costs, in microseconds
-- ARGV[3]  how far ahead it may be, in microseconds
-- ARGV[4]  now, in Unix milliseconds
--
-- Gives 1 or 0, how far ahead it is then, and from when on this call will do, in Unix microseconds.
local cost, each, ahead = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local now = tonumber(ARGV[4]) * 1000
local paid = math.max(tonumber(redis.call('GET', KEYS[1]) or 0), now)
local due = paid + cost * each
if cost == 0 then
    return {1, paid - now, 0}
end
if due - ahead > now then
    return {0, paid - now, due - ahead}
end
redis.call('SET', KEYS[1], string.format('%.0f', due), 'PX', math.ceil((due - now) / 1000))
return {1, due - now, 0}

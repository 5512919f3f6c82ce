-- Gives one of some permits, if one is left.
--
-- KEYS[1]  the holders: members of a sorted set, by when their leases end, in Unix milliseconds of the server
-- ARGV[1]  the holder's token
-- ARGV[2]  the caller's time, in Unix milliseconds: for servers that have no TIME in scripts
-- ARGV[3]  the lease, in milliseconds
-- ARGV[4]  how many permits there are
--
-- Returns -1 if the holder has a permit, also by the same call before, else in how many milliseconds the next lease ends.
local now = tonumber(ARGV[2])
local time = redis.pcall('TIME')
if not time.err then
    now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now))
local held = redis.call('ZCARD', KEYS[1])
if held >= tonumber(ARGV[4]) then
    if redis.call('ZSCORE', KEYS[1], ARGV[1]) then
        return -1
    end
    return redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')[2] - now
end
redis.call('ZADD', KEYS[1], string.format('%.0f', now + tonumber(ARGV[3])), ARGV[1])
-- The set lives as long as the longest lease in it. GT takes a key without an end for one that has the longest.
if held == 0 then
    redis.call('PEXPIRE', KEYS[1], ARGV[3])
else
    redis.call('PEXPIRE', KEYS[1], ARGV[3], 'GT')
end
return -1

-- Gives a holder more time for its permit, if it has one.
--
-- KEYS[1]  the holders: members of a sorted set, by when their leases end, in Unix milliseconds of the server
-- ARGV[1]  the holder's token
-- ARGV[2]  the caller's time, in Unix milliseconds: for servers that have no TIME in scripts
-- ARGV[3]  the lease from now on, in milliseconds
--
-- Returns 1 if it has more time, 0 if its lease has ended and others have asked since.
local now = tonumber(ARGV[2])
local time = redis.pcall('TIME')
if not time.err then
    now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end
if not redis.call('ZSCORE', KEYS[1], ARGV[1]) then
    return 0
end
redis.call('ZADD', KEYS[1], string.format('%.0f', now + tonumber(ARGV[3])), ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[3], 'GT')
return 1

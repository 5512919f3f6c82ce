-- Gives one of some permits, if one is left.
--
-- KEYS[1]  those who have one: members of a sorted set, by when their leases end, in Unix milliseconds
-- ARGV[1]  the holder's token
-- ARGV[2]  now, in Unix milliseconds
-- ARGV[3]  for how long, in milliseconds
-- ARGV[4]  how many permits there are
--
-- Gives -1 if he has one, also by the same call before, else when the next lease ends.
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[2])
local held = redis.call('ZCARD', KEYS[1])
if held >= tonumber(ARGV[4]) then
    if redis.call('ZSCORE', KEYS[1], ARGV[1]) then
        return -1
    end
    return tonumber(redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')[2])
end
redis.call('ZADD', KEYS[1], string.format('%.0f', tonumber(ARGV[2]) + tonumber(ARGV[3])), ARGV[1])
-- The set lives as long as the longest lease in it. GT takes a key without an end for one that has the longest.
if held == 0 then
    redis.call('PEXPIRE', KEYS[1], ARGV[3])
else
    redis.call('PEXPIRE', KEYS[1], ARGV[3], 'GT')
end
return -1

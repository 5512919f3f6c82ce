-- Gives a holder more time on his permit, if he has it.
--
-- KEYS[1]  those who have one: members of a sorted set, by when their leases end, in Unix milliseconds
-- ARGV[1]  the holder's token
-- ARGV[2]  when his lease is to end, in Unix milliseconds
-- ARGV[3]  for how long that is, in milliseconds
--
-- Gives 1 if he has more time, 0 if somebody else has taken his place.
if not redis.call('ZSCORE', KEYS[1], ARGV[1]) then
    return 0
end
redis.call('ZADD', KEYS[1], ARGV[2], ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[3], 'GT')
return 1

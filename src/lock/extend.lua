-- Gives a holder more time on all of his keys, if all of them are his.
--
-- KEYS     the keys of the lock
-- ARGV[1]  the holder's token
-- ARGV[2]  for how long from now, in milliseconds
--
-- Gives 1 if it did, else 0.
for _, holder in ipairs(redis.call('MGET', unpack(KEYS))) do
    if holder ~= ARGV[1] then
        return 0
    end
end
for _, key in ipairs(KEYS) do
    redis.call('PEXPIRE', key, ARGV[2])
end
return 1

-- Gives a holder more time on all of its keys, if it holds all of them.
--
-- KEYS     the keys
-- ARGV[1]  what the keys hold: the holder's token
-- ARGV[2]  the lease from now on, in milliseconds
--
-- Returns 1 if it did, else 0.
for _, holder in ipairs(redis.call('MGET', unpack(KEYS))) do
    if holder ~= ARGV[1] then
        return 0
    end
end
for _, key in ipairs(KEYS) do
    redis.call('PEXPIRE', key, ARGV[2])
end
return 1

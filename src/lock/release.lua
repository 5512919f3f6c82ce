-- Gives back those of some keys that are still a holder's.
--
-- KEYS     the keys of the lock
-- ARGV[1]  the holder's token
--
-- Gives how many were his.
local his = {}
for index, holder in ipairs(redis.call('MGET', unpack(KEYS))) do
    if holder == ARGV[1] then
        his[#his + 1] = KEYS[index]
    end
end
if #his == 0 then
    return 0
end
return redis.call('DEL', unpack(his))

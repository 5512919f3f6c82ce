-- Deletes those of some keys that a holder still holds.
--
-- KEYS     the keys of the lock
-- ARGV[1]  the holder's token
--
-- Returns how many it held.
local held = {}
for index, holder in ipairs(redis.call('MGET', unpack(KEYS))) do
    if holder == ARGV[1] then
        held[#held + 1] = KEYS[index]
    end
end
if #held == 0 then
    return 0
end
return redis.call('DEL', unpack(held))

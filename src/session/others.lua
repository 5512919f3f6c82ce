-- Ends all sessions of a user but one, if that is there. Gives how many.
--
-- KEYS[1]  the user's hash
-- ARGV[1]  the field that stays
local others, found = {}, false
for _, field in ipairs(redis.call('HKEYS', KEYS[1])) do
    if field == ARGV[1] then
        found = true
    else
        others[#others + 1] = field
    end
end
if not found then
    return -1
end
remove(KEYS[1], others)
return #others

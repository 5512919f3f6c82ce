-- All sessions of a user, and what is left to each: field, record, milliseconds, and so on.
--
-- KEYS[1]  the user's hash
local all = redis.call('HGETALL', KEYS[1])
local fields = {}
for index = 1, #all, 2 do
    fields[#fields + 1] = all[index]
end
local found = {}
for index, time in ipairs(left(KEYS[1], fields)) do
    -- One that has just expired has none.
    if time ~= -2 then
        found[#found + 1] = fields[index]
        found[#found + 1] = all[2 * index]
        found[#found + 1] = time
    end
end
return found

-- A page of a user's sessions: the cursor of the next page, and field, head of the record and milliseconds left, for each.
-- The user's data stay here: they may be large, and no list shows them.
--
-- KEYS[1]  the user's hash
-- ARGV[1]  'field' or 'key'
-- ARGV[2]  the cursor
-- ARGV[3]  how many there are to be, about
local page = redis.call('HSCAN', KEYS[1], ARGV[2], 'COUNT', ARGV[3])
local all, fields, times = page[2], {}, {}
for index = 1, #all, 2 do
    fields[#fields + 1] = all[index]
end
if ARGV[1] == 'field' then
    times = left(KEYS[1], fields)
end
local found = {}
for index, field in ipairs(fields) do
    local time = times[index] or -1
    -- One that has just expired has none.
    if time ~= -2 then
        found[#found + 1] = field
        found[#found + 1] = string.match(all[2 * index], '^[^\n]*')
        found[#found + 1] = time
    end
end
return {page[1], found}

-- How many of a part of a user's sessions have not ended: the cursor of the next part, their number, and the fields of those
-- that have marks, which are not looked at here.
--
-- KEYS[1]  the user's hash
-- ARGV[1]  the cursor
-- ARGV[2]  how many to look at, about
-- ARGV[3]  now, in Unix milliseconds
local page = redis.call('HSCAN', KEYS[1], ARGV[1], 'COUNT', ARGV[2])
local all, now, count, marked = page[2], tonumber(ARGV[3]), 0, {}
for index = 1, #all, 2 do
    local mark, last = string.match(all[index + 1], '^1 %S+ %d+ %S+ %[(%a+),(%d+)')
    if mark and tonumber(last) > now then
        if mark == 'true' then
            marked[#marked + 1] = all[index]
        else
            count = count + 1
        end
    end
end
return {page[1], count, marked}

-- Rotates the token of a family. One that was used before gives what it gave then, for a while after that; later it is
-- used by somebody else, and the family ends.
--
-- KEYS[1]  the user's hash
-- KEYS[2]  the mark of the family
-- ARGV[1]  'field' or 'key'
-- ARGV[2]  how long the longest session lives
-- ARGV[3]  the field
-- ARGV[4]  the generation of the token that was used
-- ARGV[5]  now, in Unix milliseconds
-- ARGV[6]  the while, in milliseconds
-- ARGV[7]  the name of the record that takes the place of this one
-- ARGV[8]  how long the family may be unused, in milliseconds
-- ARGV[9]  for how long it is remembered that the family has ended, in milliseconds
--
-- Gives the record, or 'gone', or the record of a family that has ended, which begins with 'reused ' in place of '1 '.
local record = redis.call('HGET', KEYS[1], ARGV[3])
-- Whether its mark has its time, the record says first of all: who asks may know the server better than its maker did.
local marked = record and string.match(record, '^%S+ %S+ %d+ %S+ %[(%a+)') == 'true'
if marked then
    ARGV[1] = 'key'
end
if not record or (marked and redis.call('EXISTS', KEYS[2]) == 0) then
    return 'gone'
elseif string.sub(record, 1, 7) == 'reused ' then
    return record
end
local generation, times, rest = string.match(record, '^1 %S+ (%d+) (%S+) (.*)$')
generation = tonumber(generation)
local used, now, grace = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local recent = {}
for time in string.gmatch(times, '%d+') do
    recent[#recent + 1] = time
end
if used < generation then
    -- The last of them is when the generation before this one was used.
    local time = recent[#recent - (generation - used) + 1]
    -- Clocks may differ, in either direction.
    if time and math.abs(now - tonumber(time)) <= grace then
        return record
    end
end
if used > generation then
    -- Somebody has brought back an older state of the database. That is no theft.
    return 'gone'
elseif used < generation then
    -- What is left says for a while whose it was, also to who asks again because the answer was lost.
    record = 'reused ' .. string.sub(record, 3)
    put(KEYS[1], KEYS[2], ARGV[3], record, ARGV[9])
    return record
end
-- The oldest go from the front, so that the others keep their places; 16 are enough.
local first = math.max(1, #recent - 14)
local kept = {unpack(recent, first)}
kept[#kept + 1] = ARGV[5]
record = '1 ' .. ARGV[7] .. ' ' .. string.format('%d', generation + 1) .. ' ' .. table.concat(kept, ',') .. ' ' .. rest
put(KEYS[1], KEYS[2], ARGV[3], record, ARGV[8])
return record

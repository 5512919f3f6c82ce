-- Replaces a record that is still the one that was read. Its time stays.
--
-- KEYS[1]  the user's hash
-- ARGV[1]  'field' or 'key'
-- ARGV[2]  the field
-- ARGV[3]  the name of the record that was read
-- ARGV[4]  the name of the one that takes its place
-- ARGV[5]  that record
--
-- Gives 1 if it was replaced, also by the same call before, 0 if it is another one, and -1 if there is none.
local record = redis.call('HGET', KEYS[1], ARGV[2])
if not record then
    return -1
end
local name = string.match(record, '^1 (%S+)')
if name == ARGV[4] then
    return 1
elseif name ~= ARGV[3] then
    return 0
end
if ARGV[1] == 'field' then
    redis.call('HSETEX', KEYS[1], 'KEEPTTL', 'FIELDS', 1, ARGV[2], ARGV[5])
else
    redis.call('HSET', KEYS[1], ARGV[2], ARGV[5])
end
return 1

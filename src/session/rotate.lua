-- Gives a session another secret, and maybe another user: the record is put under a new field, the old one goes, or
-- stays for a while and says that it is over then.
--
-- KEYS[1]  the hash it is in
-- KEYS[2]  the hash it will be in
-- KEYS[3]  the mark it will have
-- KEYS[4]  the mark it has
-- KEYS[5…] the marks of the fields in ARGV[13…]
-- ARGV[1]  'field' or 'key'
-- ARGV[2]  how long the longest session lives
-- ARGV[3]  the field it has
-- ARGV[4]  the name of the record that was read
-- ARGV[5]  the name of the one that stays
-- ARGV[6]  the record that stays
-- ARGV[7]  for how long, in milliseconds; 0 is not at all
-- ARGV[8]  the field it will have
-- ARGV[9]  the record it will be
-- ARGV[10] how long that lives unused, in milliseconds
-- ARGV[11] how many sessions there may be; 0 is any number
-- ARGV[12] 1 if it moves to another user's hash
-- ARGV[13…] fields that are known there, where marks have their times
--
-- Gives 1 if it is done, also by the same call before, 0 if the record is another one, and -1 if there is none.
local record = redis.call('HGET', KEYS[1], ARGV[3])
local name = record and string.match(record, '^1 (%S+)')
if not record or name == ARGV[5] then
    -- Nobody else makes this field: what was taken away since then does not come back.
    if redis.call('HEXISTS', KEYS[2], ARGV[8]) == 1 then
        return 1
    end
    return -1
elseif name ~= ARGV[4] then
    return 0
end
put(KEYS[2], KEYS[3], ARGV[8], ARGV[9], ARGV[10])
if ARGV[12] == '1' then
    trim(KEYS[2], tonumber(ARGV[11]), ARGV[8], 13)
end
if ARGV[7] == '0' then
    redis.call('HDEL', KEYS[1], ARGV[3])
else
    put(KEYS[1], KEYS[4], ARGV[3], ARGV[6], ARGV[7])
end
return 1

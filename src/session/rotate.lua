-- Gives a session to a user: the record is put into his hash, under another field, and the old one goes.
--
-- KEYS[1]  the hash it is in
-- KEYS[2]  the hash it will be in
-- KEYS[3]  the mark it will have
-- KEYS[4…] the marks of the fields in ARGV[9…]
-- ARGV[1]  'field' or 'key'
-- ARGV[2]  how long the longest session lives
-- ARGV[3]  the field it has
-- ARGV[4]  the name of the record that was read
-- ARGV[5]  the field it will have
-- ARGV[6]  the record it will be
-- ARGV[7]  how long that lives unused, in milliseconds
-- ARGV[8]  how many sessions he may have; 0 is any number
-- ARGV[9…] fields that are known of him, where marks have their times
--
-- Gives 1 if it is done, also by the same call before, 0 if the record is another one, and -1 if there is none.
local record = redis.call('HGET', KEYS[1], ARGV[3])
if not record then
    -- Nobody else makes this field: what was taken away since then does not come back.
    if redis.call('HEXISTS', KEYS[2], ARGV[5]) == 1 then
        return 1
    end
    return -1
elseif string.match(record, '^1 (%S+)') ~= ARGV[4] then
    return 0
end
put(KEYS[2], KEYS[3], ARGV[5], ARGV[6], ARGV[7])
trim(KEYS[2], tonumber(ARGV[8]), ARGV[5], 9)
redis.call('HDEL', KEYS[1], ARGV[3])
return 1

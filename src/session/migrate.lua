-- Moves a session of the plain format to one of ours. The plain one stays for a while and says where it went.
--
-- KEYS[1]  the user's hash
-- KEYS[2]  the mark of the new session
-- KEYS[3]  the plain session
-- ARGV[1]  'field' or 'key'
-- ARGV[2]  how long the longest session lives
-- ARGV[3]  the field
-- ARGV[4]  the record
-- ARGV[5]  how long it lives unused, in milliseconds
-- ARGV[6]  the plain session as it was read
-- ARGV[7]  what stays of it
-- ARGV[8]  for how long, in milliseconds
--
-- Gives 1 if it was moved, also by the same call before, 0 if it is another one.
local plain = redis.call('GET', KEYS[3])
if plain == ARGV[7] then
    return 1
elseif plain ~= ARGV[6] then
    return 0
end
put(KEYS[1], KEYS[2], ARGV[3], ARGV[4], ARGV[5])
redis.call('SET', KEYS[3], ARGV[7], 'PX', ARGV[8])
return 1

-- Puts an answer in the place of a run, if that is still the one that was begun; or takes the run away.
--
-- KEYS[1]  the key
-- ARGV[1]  the run as it was begun
-- ARGV[2]  what takes its place, empty for nothing
-- ARGV[3]  how long that is kept, in milliseconds
--
-- Gives 1 if it did, else 0. SET with IFEQ and DELEX do the same, for servers that have them.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
    return 0
end
if ARGV[2] == '' then
    redis.call('DEL', KEYS[1])
else
    redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
end
return 1

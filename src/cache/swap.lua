-- Replaces a text that still begins as it did when it was read.
--
-- KEYS[1]  the entry
-- ARGV[1]  how it has to begin; never empty
-- ARGV[2]  the text that takes its place
-- ARGV[3]  how long that lives, in milliseconds
--
-- Gives 1 if it was replaced, else 0. This is what SET with IFEQ does, for servers that lack it and for values that
-- are too large to be sent only to be compared.
if redis.call('GETRANGE', KEYS[1], 0, #ARGV[1] - 1) ~= ARGV[1] then
    return 0
end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1

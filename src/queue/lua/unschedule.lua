-- Takes a scheduler away, and its job that has not begun. Gives 1 if it was there.
local meta, scheduler = read_meta(P), ARGV[3]
if not unschedule(meta, scheduler) then
    return 0
end
redis.call('ZREM', P .. 'repeat', scheduler)
redis.call('DEL', P .. 'repeat:' .. scheduler)
return 1

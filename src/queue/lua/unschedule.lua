-- Removes a scheduler, and its job that has not begun. Returns 1 if it was there.
local meta, scheduler = read_meta(P), ARGV[3]
local last = redis.call('ZSCORE', P .. 'repeat', scheduler)
if last then
    unschedule(meta, scheduler, tonumber(last))
end
-- Either may have been evicted.
return math.min(redis.call('ZREM', P .. 'repeat', scheduler) + redis.call('DEL', P .. 'repeat:' .. scheduler), 1)

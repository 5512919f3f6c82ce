-- Sets a scheduler, in place of one with its id.
--
-- ARGV[3]   its id
-- ARGV[4]   what next_at reads
-- ARGV[14]  the fields of its hash, without `offset` and `ic`
--
-- Returns 0 and the id of its next job; or 2 and the slot, where that has a job already, and nothing was changed.
local meta, scheduler, job = read_meta(P), ARGV[3], next_at(4)
local key = P .. 'repeat:' .. scheduler
local last = tonumber(redis.call('ZSCORE', P .. 'repeat', scheduler))
local kept = redis.call('HMGET', key, 'every', 'offset', 'ic')
local is_same = last and job.every and tonumber(kept[1]) == job.every
local slot, offset, replaced
if is_same and unschedule(meta, scheduler, last) then
    slot, replaced = last, true
    offset = job.offset > 0 and job.offset or tonumber(kept[2]) or last % job.every
elseif job.every then
    slot, offset = slot_behind(is_same and last, job.every, job.offset, job.start)
    local free = free_slot(P, scheduler, slot, job.every)
    if not free then
        return {2, int(slot)}
    end
    slot = free
else
    slot = job.due
    replaced = slot == last and unschedule(meta, scheduler, last)
    if not replaced and redis.call('EXISTS', P .. job_in(scheduler, slot)) == 1 then
        return {2, int(slot)}
    end
end
if last and not replaced and not is_same then
    unschedule(meta, scheduler, last)
end
redis.call('ZADD', P .. 'repeat', int(slot), scheduler)
redis.call('DEL', key)
local fields = {'ic', kept[3] or '1'}
if offset then
    fields[3], fields[4] = 'offset', int(offset)
end
for index = 14, #ARGV do
    fields[#fields + 1] = ARGV[index]
end
redis.call('HSET', key, unpack(fields))
schedule(meta, scheduler, slot, job)
return {0, job_in(scheduler, slot)}

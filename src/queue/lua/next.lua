-- The jobs that follow those of schedulers that were taken: added by the first that takes them.
--
-- ARGV[3]  the token that they were taken with
-- ARGV     for each: the scheduler, the id of the job that was taken, and 0 if what follows is not known; or 1, what next_at reads, and
--          how many words follow: the fields of the scheduler's hash where that is gone
--
-- Returns for each 0 and the id of its next job; 1 where nothing follows: another has added it, or the scheduler was removed; 2 and the
-- slot, where that has a job that has begun; 3 where it cannot be continued: its job was put back.
local meta, answers, token = read_meta(P), {}, ARGV[3]

-- Puts a job back as if it had not been taken, behind all that wait: it must not keep them waiting.
local function put_back(id)
    local job = P .. id
    if redis.call('GET', job .. ':lock') ~= token then
        return
    end
    redis.call('DEL', job .. ':lock')
    redis.call('SREM', P .. 'stalled', id)
    redis.call('LREM', P .. 'active', 1, id)
    local found = redis.call('HMGET', job, 'ats', 'priority')
    local starts, priority = tonumber(found[1]) or 1, tonumber(found[2]) or 0
    redis.call('HSET', job, 'ats', int(math.max(starts - 1, 0)))
    local last = redis.call('ZREVRANGE', P .. 'prioritized', 0, 0, 'WITHSCORES')
    if last[2] then
        redis.call('ZADD', P .. 'prioritized', int(tonumber(last[2]) + 1), id)
    else
        put(meta, id, priority)
    end
    event(meta, 'waiting', 'jobId', id, 'prev', 'active')
    wake(meta)
end

local function follow(scheduler, producer, job, hash)
    local key = P .. 'repeat:' .. scheduler
    local producer_slot = string.match(producer, ':(%d+)$')
    local last = redis.call('ZSCORE', P .. 'repeat', scheduler)
    if not last and redis.call('EXISTS', key) == 1 then
        -- Removing a scheduler deletes both, so this one has lost its place in the set.
        last = producer_slot
    end
    if not last or int(tonumber(last)) ~= producer_slot then
        return {1, ''}
    end
    if not job then
        return {3, ''}
    end
    last = tonumber(last)
    local slot, is_there = job.due, false
    if not slot then
        slot = slot_behind(last, job.every, job.offset)
    end
    local id = job_in(scheduler, slot)
    if slot == last then
        -- The job itself was lost.
        if redis.call('EXISTS', P .. id) == 1 then
            return {1, ''}
        end
    else
        local free
        free, is_there = free_slot(P, scheduler, slot, job.every, true)
        if not free then
            return {2, int(slot)}
        end
        slot, id = free, job_in(scheduler, free)
    end
    if #hash > 0 and redis.call('EXISTS', key) == 0 then
        redis.call('HSET', key, unpack(hash))
    end
    redis.call('ZADD', P .. 'repeat', int(slot), scheduler)
    if is_there then
        event(meta, 'duplicated', 'jobId', id)
        return {0, id}
    end
    if slot ~= last then
        redis.call('HINCRBY', key, 'ic', 1)
    end
    schedule(meta, scheduler, slot, job)
    return {0, id}
end

local from = 4
while from <= #ARGV do
    local scheduler, producer, job, hash = ARGV[from], ARGV[from + 1], nil, {}
    local is_known = ARGV[from + 2] == '1'
    from = from + 3
    if is_known then
        job = next_at(from)
        local count = tonumber(ARGV[from + 10])
        for index = from + 11, from + 10 + count do
            hash[#hash + 1] = ARGV[index]
        end
        from = from + 11 + count
    end
    -- What one of them has wrong is no matter of the others.
    local ok, answer = pcall(follow, scheduler, producer, job, hash)
    answer = ok and answer or {3, ''}
    if answer[1] == 3 then
        put_back(producer)
    end
    answers[#answers + 1] = answer
end
return answers

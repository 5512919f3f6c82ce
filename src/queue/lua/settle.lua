-- Records what became of jobs, and takes the next ones.
--
-- ARGV[3]   the token that they were taken with
-- ARGV[4]   1 if the same request was sent before
-- ARGV[5…]  those of pull.lua
-- ARGV[14]  how many jobs
-- ARGV      for each: its id; c(ompleted), f(ailed), r(etried) or w (put back); the value or the reason; the stack; how long a
--           retry waits; 1 for the front of the line; how many such jobs are kept (empty for all), for how many milliseconds
--           (empty for ever), and how many are removed at a time; 1 if its attempts are used up
--
-- Returns for each 0, or why not: -1 there is no such job, -2 it has no lock, -3 it is not active, -4 it has children that are not
-- done, -6 another worker has it, -9 children have failed, -100 it was settled before. Then what pull.lua returns.
local meta = read_meta(P)
local token, again = ARGV[3], ARGV[4] == '1'
check(token and token ~= '', 'the token')
local next_args = take_at(5)
local jobs, from = {}, 15
for index = 1, number_of(ARGV[14], 'the number of jobs') do
    local job = {}
    for place, field in ipairs({'id', 'what', 'value', 'stack', 'delay', 'lifo', 'keep', 'age', 'part', 'exhausted'}) do
        job[field] = ARGV[from + place - 1]
        check(job[field], 'a job without its ' .. field)
    end
    check(string.find(job.what, '^[cfrw]$'), 'what became of a job')
    job.delay = number_of(job.delay, 'the delay of a retry')
    job.keep = job.keep ~= '' and number_of(job.keep, 'how many finished jobs are kept') or nil
    job.age = job.age ~= '' and number_of(job.age, 'for how long finished jobs are kept') or nil
    job.part = number_of(job.part, 'how many finished jobs are removed', 1)
    job.key = P .. job.id
    jobs[index], from = job, from + 10
end
local locks = {}
for first = 1, #jobs, 1000 do
    local keys = {}
    for index = first, math.min(first + 999, #jobs) do
        keys[#keys + 1] = jobs[index].key .. ':lock'
    end
    for _, lock in ipairs(redis.call('MGET', unpack(keys))) do
        locks[#locks + 1] = lock
    end
end

-- Why a job cannot be settled by this token.
local function refused(job, lock)
    local found = redis.call('HMGET', job.key, 'timestamp', 'finishedOn', 'settled')
    if found[3] == token then
        return -100
    elseif lock then
        return -6
    elseif not found[1] then
        return again and -100 or -1
    end
    return found[2] and -100 or -2
end

-- Removes the finished jobs that are too many or too old.
local function trim(set, job)
    local key, old, known = P .. set, {}, {}
    local function add(ids)
        for _, id in ipairs(ids) do
            if not known[id] then
                known[id] = true
                old[#old + 1] = id
            end
        end
    end
    if job.age then
        add(redis.call('ZRANGEBYSCORE', key, '-inf', int(now - job.age), 'LIMIT', 0, int(job.part)))
    end
    if job.keep then
        add(redis.call('ZREVRANGE', key, int(job.keep), int(job.keep + job.part - 1)))
    end
    each_part(old, function(...)
        redis.call('ZREM', key, ...)
    end)
    discard(P, old, false, true)
end

-- Adds the last of the jobs that a deduplication has kept away, now that its holder has finished.
local function add_kept(deduplication)
    local key = P .. 'dn:' .. deduplication
    local kept = fields(redis.call('HGETALL', key))
    if not kept.name then
        return false
    end
    redis.call('DEL', key)
    local ok, opts = pcall(cjson.decode, kept.opts or '')
    opts = ok and type(opts) == 'table' and opts or {}
    local waiting, id = nobody(), kept.jid
    while not id or id == '' or redis.call('EXISTS', P .. id) == 1 do
        id = int(redis.call('INCR', P .. 'id'))
    end
    add_job(meta, {
        id = id, name = kept.name, data = kept.data or '{}', opts = kept.opts or '{}', timestamp = int(now),
        delay = int(math.max(tonumber(opts.delay) or 0, 0)), priority = int(math.max(tonumber(opts.priority) or 0, 0)),
        lifo = opts.lifo == true and '1' or '0', parent_key = kept.pk or '', parent = kept.pd or '',
        deduplication = deduplication, scheduler = kept.rjk or '',
    }, waiting)
    redis.call('SET', P .. 'de:' .. deduplication, id)
    flush(meta, waiting)
    return true
end

local answers, gone, finished = {}, {}, false
for index, job in ipairs(jobs) do
    local code = locks[index] == token and 0 or refused(job, locks[index])
    local found
    if code == 0 and job.what == 'c' and redis.call('EXISTS', job.key .. ':dependencies', job.key .. ':unsuccessful') > 0 then
        code = redis.call('EXISTS', job.key .. ':unsuccessful') == 1 and -9 or -4
    end
    if code == 0 then
        found = redis.call('HMGET', job.key, 'atm', 'priority', 'parentKey', 'parent', 'deid', 'name', 'ats')
        if not found[6] then
            -- Its hash was evicted. A write would make a new one with nothing in it.
            code = -1
            redis.call('LREM', P .. 'active', -1, job.id)
            delete_jobs(P, {job.id})
        elseif redis.call('LREM', P .. 'active', -1, job.id) == 0 and not is_nowhere(P, job.id) then
            -- Where `active` was evicted, the worker's result is all that is left of its job.
            code = -3
        else
            gone[#gone + 1] = job.id
        end
    end
    if code == 0 and job.what == 'w' then
        -- As if it had not been taken.
        local starts = math.max((tonumber(found[7]) or 1) - 1, 0)
        redis.call('HSET', job.key, 'settled', token, 'ats', int(starts))
        put(meta, job.id, tonumber(found[2]) or 0, true)
        event(meta, 'waiting', 'jobId', job.id, 'prev', 'active')
        wake(meta)
    elseif code == 0 then
        local attempts = int((tonumber(found[1]) or 0) + 1)
        local changed = {'atm', attempts}
        if job.what ~= 'c' then
            changed = {'atm', attempts, 'failedReason', job.value}
            if job.stack ~= '' then
                changed[5], changed[6] = 'stacktrace', job.stack
            end
        end
        if job.what == 'r' then
            local delay = job.delay
            changed[#changed + 1], changed[#changed + 2] = 'settled', token
            redis.call('HSET', job.key, 'delay', int(delay), unpack(changed))
            if delay > 0 then
                delay_until(meta, job.id, now + delay)
                wake_later(meta)
            else
                put(meta, job.id, tonumber(found[2]) or 0, job.lifo == '1')
                event(meta, 'waiting', 'jobId', job.id, 'prev', 'active')
                wake(meta)
            end
        else
            finished = true
            local set = job.what == 'c' and 'completed' or 'failed'
            local removed = job.keep == 0
            -- Before it is removed, which would release the parent without its result.
            if found[3] or found[4] then
                if job.what == 'c' then
                    child_completed(found[4], found[3], job.key, job.value)
                else
                    child_failed(found[4], found[3], job.key, job.value)
                end
            end
            if not removed then
                if job.what == 'c' then
                    changed[#changed + 1], changed[#changed + 2] = 'returnvalue', job.value
                end
                redis.call('HSET', job.key, 'finishedOn', int(now), unpack(changed))
                if job.what == 'f' then
                    redis.call('HDEL', job.key, 'defa')
                end
                redis.call('ZADD', P .. set, int(now), job.id)
                trim(set, job)
            end
            local kept = found[5] and add_kept(found[5])
            if not kept then
                free_deduplication(P, job.id, found[5])
            end
            if removed then
                discard(P, {job.id}, false, true)
            end
            if job.what == 'c' then
                event(meta, 'completed', 'jobId', job.id, 'returnvalue', job.value, 'prev', 'active')
            else
                event(meta, 'failed', 'jobId', job.id, 'failedReason', job.value, 'prev', 'active')
                if job.exhausted == '1' then
                    event(meta, 'retries-exhausted', 'jobId', job.id, 'attemptsMade', attempts)
                end
            end
        end
    end
    answers[index] = code
end
local done = {}
for index, id in ipairs(gone) do
    done[index] = P .. id .. ':lock'
end
each_part(done, function(...)
    redis.call('DEL', ...)
end)
each_part(gone, function(...)
    redis.call('SREM', P .. 'stalled', ...)
end)
local taken = pull(meta, next_args)
if finished and #taken[4] == 0 then
    local waiting = redis.call('LLEN', P .. 'wait') + redis.call('ZCARD', P .. 'prioritized')
    if waiting > 0 then
        -- Others may begin where this one has ended.
        wake(meta)
    elseif redis.call('LLEN', P .. 'active') == 0 then
        event(meta, 'drained')
    end
elseif meta.concurrency and #gone > 0 then
    -- Fewer may have begun than have ended.
    wake(meta)
end
return {answers, taken}

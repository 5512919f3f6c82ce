-- Says what has become of jobs, and takes the next ones.
--
-- ARGV[3]   the token that they were taken with
-- ARGV[4]   1 if the same was asked before
-- ARGV[5]   those of pull.lua
-- ARGV[14]  how many jobs
-- ARGV      for each: its id; c(ompleted), f(ailed), r(etried) or w (given back); the value or the reason; the stack; for how long
--           a retry waits; 1 for the front of the line; how many such jobs are kept (empty for all), for how many milliseconds
--           (empty for ever), and how many are removed at a time; 1 if its attempts are used up
--
-- Gives for each 0, or why not: -1 there is no such job, -2 it has no lock, -3 it is not active, -4 it has children that are not
-- done, -6 somebody else has it, -9 children have failed, -100 it was settled before. Then what pull.lua gives.
local meta = read_meta(P)
local token, again = ARGV[3], ARGV[4] == '1'
local jobs, from = {}, 15
for index = 1, tonumber(ARGV[14]) do
    local job = {}
    for place, field in ipairs({'id', 'what', 'value', 'stack', 'delay', 'lifo', 'keep', 'age', 'part', 'exhausted'}) do
        job[field] = ARGV[from + place - 1]
    end
    job.key = P .. job.id
    jobs[index], from = job, from + 10
end
local locks = {}
if #jobs > 0 then
    local keys = {}
    for index, job in ipairs(jobs) do
        keys[index] = job.key .. ':lock'
    end
    locks = redis.call('MGET', unpack(keys))
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

-- Removes what is too much of those that are done.
local function trim(set, job)
    local key, old = P .. set, {}
    if job.age ~= '' then
        local before = int(now - tonumber(job.age))
        for _, id in ipairs(redis.call('ZRANGEBYSCORE', key, '-inf', before, 'LIMIT', 0, job.part)) do
            old[#old + 1] = id
        end
    end
    if job.keep ~= '' then
        local from = tonumber(job.keep)
        for _, id in ipairs(redis.call('ZREVRANGE', key, from, from + tonumber(job.part) - 1)) do
            old[#old + 1] = id
        end
    end
    if #old > 0 then
        each_part(old, function(...)
            redis.call('ZREM', key, ...)
        end)
        delete_jobs(P, old)
    end
end

-- The last of those that a deduplication has kept away is added, now that its holder is done.
local function add_kept(deduplication)
    local key = P .. 'dn:' .. deduplication
    local kept = fields(redis.call('HGETALL', key))
    if not kept.name then
        return false
    end
    redis.call('DEL', key)
    local opts = cjson.decode(kept.opts)
    local waiting = nobody()
    local id = kept.jid
    if not id or redis.call('EXISTS', P .. id) == 1 then
        id = int(redis.call('INCR', P .. 'id'))
    end
    add_job(meta, {
        id = id, name = kept.name, data = kept.data, opts = kept.opts, timestamp = int(now), delay = int(opts.delay or 0),
        priority = int(opts.priority or 0), lifo = opts.lifo and '1' or '0', parent_key = kept.pk or '', parent = '',
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
    if code == 0 and redis.call('LREM', P .. 'active', -1, job.id) == 0 then
        code = -3
    end
    if code == 0 then
        gone[#gone + 1] = job.id
        found = redis.call('HMGET', job.key, 'atm', 'priority', 'parentKey', 'parent', 'deid', 'stacktrace', 'ats')
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
            local delay = tonumber(job.delay)
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
            local removed = job.keep == '0'
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
            if found[4] then
                if job.what == 'c' then
                    child_completed(found[4], job.key, job.value)
                else
                    child_failed(found[4], job.key, job.value)
                end
            end
            if job.what == 'c' then
                redis.call('XADD', P .. 'events', '*', 'event', 'completed', 'jobId', job.id, 'returnvalue', job.value, 'prev', 'active')
            else
                redis.call('XADD', P .. 'events', '*', 'event', 'failed', 'jobId', job.id, 'failedReason', job.value, 'prev', 'active')
                if job.exhausted == '1' then
                    redis.call('XADD', P .. 'events', '*', 'event', 'retries-exhausted', 'jobId', job.id, 'attemptsMade', attempts)
                end
            end
            if removed then
                delete_jobs(P, {job.id})
            end
        end
    end
    answers[index] = code
end
if #gone > 0 then
    local keys = {}
    for index, id in ipairs(gone) do
        keys[index] = P .. id .. ':lock'
    end
    redis.call('DEL', unpack(keys))
    redis.call('SREM', P .. 'stalled', unpack(gone))
end
local next_args = take_at(5)
local taken = pull(meta, next_args)
if finished and #taken[4] == 0 then
    local waiting = redis.call('LLEN', P .. 'wait') + redis.call('ZCARD', P .. 'prioritized')
    if waiting > 0 then
        -- Others may begin where this one has ended.
        wake(meta)
    elseif redis.call('LLEN', P .. 'active') == 0 then
        redis.call('XADD', P .. 'events', '*', 'event', 'drained')
    end
elseif meta.concurrency and #gone > 0 then
    -- Fewer may have begun than have ended.
    wake(meta)
end
return {answers, taken}

-- Whether the scheduler of a job, if it has one, is there.
local function has_scheduler(q, job)
    local name = redis.call('HGET', job, 'rjk')
    return name and (redis.call('EXISTS', q .. 'repeat:' .. name) == 1 or redis.call('ZSCORE', q .. 'repeat', name))
end

-- How many parents, and how many children of each, one sweep looks at.
local PARENTS, CHILDREN = 20, 100
-- How many ids without a hash one script passes over, and how many jobs one step moves.
local GHOSTS, PART = 10000, 1000

-- Releases parents whose children were evicted: nothing else would count these as done. One child that is there is looked for.
local function free_parents(meta, interval)
    local q = meta.q
    local total = redis.call('ZCARD', q .. 'waiting-children')
    -- Another part of them each time.
    local turn, there = math.floor(now / interval), {}
    local first = turn * PARENTS % math.max(total, 1)
    for _, id in ipairs(redis.call('ZRANGE', q .. 'waiting-children', int(first), int(first + PARENTS - 1))) do
        local waits_for = q .. id .. ':dependencies'
        local children = redis.call('SRANDMEMBER', waits_for, CHILDREN)
        local gone = {}
        if #children > 0 and redis.call('EXISTS', unpack(children)) < #children then
            for _, child in ipairs(children) do
                if redis.call('EXISTS', child) == 0 then
                    gone[#gone + 1] = child
                end
            end
            redis.call('SREM', waits_for, unpack(gone))
        elseif #children > 0 then
            there[#there + 1] = children
        end
        if #gone == #children and redis.call('EXISTS', waits_for) == 0 then
            release_parent(q, id)
        elseif redis.call('EXISTS', q .. id) == 0 then
            drop_parent(q, id)
        end
    end
    if #there > 0 then
        local children = there[turn % #there + 1]
        find_lost(children[math.floor(turn / #there) % #children + 1])
    end
end

-- Moves the jobs of a pause whose mark was evicted back into the line, where they come first.
local function end_pause(meta)
    local q = meta.q
    if redis.call('RENAMENX', q .. 'paused', q .. 'wait') == 0 then
        for _ = 1, math.min(redis.call('LLEN', q .. 'paused'), PART) do
            redis.call('RPUSH', q .. 'wait', redis.call('LPOP', q .. 'paused'))
        end
    end
    wake(meta)
end

-- Puts back the jobs whose worker is gone: they were active in two sweeps, without a lock.
--
-- Returns their ids, or nothing where it is too early to look.
local function sweep(meta, interval, most)
    local q = meta.q
    if not redis.call('SET', q .. 'stalled-check', int(now), 'PX', interval, 'NX') then
        return
    end
    local suspects, stalled, free = redis.call('SMEMBERS', q .. 'stalled'), {}, {}
    if #suspects > 0 then
        redis.call('DEL', q .. 'stalled')
    end
    for from = 1, #suspects, PART do
        local locks = {}
        for index = from, math.min(from + PART - 1, #suspects) do
            locks[#locks + 1] = q .. suspects[index] .. ':lock'
        end
        for index, lock in ipairs(redis.call('MGET', unpack(locks))) do
            if not lock then
                free[#free + 1] = suspects[from + index - 1]
            end
        end
    end
    for _, id in ipairs(free) do
        local job = q .. id
        if redis.call('LREM', q .. 'active', 1, id) == 1 and redis.call('EXISTS', job) == 1 then
            local times = redis.call('HINCRBY', job, 'stc', 1)
            if times > most and not has_scheduler(q, job) then
                redis.call('HSET', job, 'defa', 'job stalled more than allowable limit')
            end
            redis.call('RPUSH', meta.list, id)
            event(meta, 'waiting', 'jobId', id, 'prev', 'active')
            event(meta, 'stalled', 'jobId', id)
            stalled[#stalled + 1] = id
        end
    end
    if #stalled > 0 then
        wake(meta)
    end
    local active = redis.call('LRANGE', q .. 'active', 0, -1)
    each_part(active, function(...)
        redis.call('SADD', q .. 'stalled', ...)
    end)
    if redis.call('EXISTS', q .. 'waiting-children', q .. 'paused') > 0 then
        free_parents(meta, interval)
        if not meta.paused and redis.call('EXISTS', q .. 'paused') == 1 then
            end_pause(meta)
        end
    end
    return stalled
end

local function fields(flat)
    local job = {}
    for index = 1, #flat, 2 do
        job[flat[index]] = flat[index + 1]
    end
    return job
end

-- The hash of a scheduler. What is no hash must not stop the others.
local function hash_of(q, scheduler)
    local hash = redis.pcall('HGETALL', q .. 'repeat:' .. scheduler)
    return hash.err and {'\1corrupt', '1'} or hash
end

-- That of the scheduler of a job, where it has one.
local function scheduler_of(q, flat)
    local name = fields(flat).rjk
    return name and hash_of(q, name) or {}
end

-- Adds a scheduler whose job was evicted to those that are to be continued: it has an id and no fields. `is_lost` where the job had
-- not begun.
local function add_lost(q, lost, id, is_lost)
    local scheduler = string.match(id, '^repeat:(.*):%d+$')
    if not scheduler then
        return
    end
    local hash = hash_of(q, scheduler)
    if is_lost and #hash > 0 then
        hash[#hash + 1], hash[#hash + 2] = '\1lost', '1'
    end
    lost[#lost + 1] = {id, {}, hash}
end

-- Delayed jobs whose time has come wait for a worker.
local function promote_due(meta, lost)
    local q = meta.q
    local due = redis.call('ZRANGEBYSCORE', q .. 'delayed', '-inf', int((now + 1) * 4096 - 1), 'LIMIT', 0, PART)
    if #due == 0 then
        return
    end
    redis.call('ZREM', q .. 'delayed', unpack(due))
    for _, id in ipairs(due) do
        local found = redis.call('HMGET', q .. id, 'name', 'priority')
        -- A job whose hash was evicted is dropped.
        if found[1] then
            put(meta, id, tonumber(found[2]) or 0)
            redis.call('HSET', q .. id, 'delay', '0')
            event(meta, 'waiting', 'jobId', id, 'prev', 'delayed')
        else
            add_lost(q, lost, id, true)
        end
    end
    wake(meta)
end

-- Schedulers that have stopped: long behind their time, with a job that is gone, finished or in no list any more. It looks at a few
-- of them, and only where few jobs wait, since it has to search their lists.
local function find_stopped(meta, lost, interval)
    local q, before = meta.q, int(now - 2 * interval)
    local count = redis.call('ZCOUNT', q .. 'repeat', '-inf', before)
    if count == 0 or redis.call('LLEN', meta.list) > 10000 then
        return
    end
    local from = math.floor(now / 1000) % count
    local found = redis.call('ZRANGEBYSCORE', q .. 'repeat', '-inf', before, 'WITHSCORES', 'LIMIT', from, 5)
    for index = 1, #found, 2 do
        local id = 'repeat:' .. found[index] .. ':' .. int(tonumber(found[index + 1]))
        local job = redis.call('HMGET', q .. id, 'timestamp', 'finishedOn', 'priority')
        if not job[1] or job[2] then
            add_lost(q, lost, id)
        elseif redis.call('EXISTS', q .. id .. ':lock') == 0 and not redis.call('ZSCORE', q .. 'delayed', id)
            and not redis.call('ZSCORE', q .. 'prioritized', id) and not redis.call('LPOS', meta.list, id)
            and not redis.call('LPOS', q .. 'active', id) and not redis.call('ZSCORE', q .. 'waiting-children', id) then
            put(meta, id, tonumber(job[3]) or 0)
            event(meta, 'waiting', 'jobId', id, 'prev', 'delayed')
            wake(meta)
        end
    end
end

-- The active jobs with this token.
local function taken_before(q, token)
    local active, jobs = redis.call('LRANGE', q .. 'active', 0, -1), {}
    for from = 1, #active, PART do
        local locks = {}
        for index = from, math.min(from + PART - 1, #active) do
            locks[#locks + 1] = q .. active[index] .. ':lock'
        end
        for index, lock in ipairs(redis.call('MGET', unpack(locks))) do
            if lock == token then
                local id = active[from + index - 1]
                local flat = redis.call('HGETALL', q .. id)
                jobs[#jobs + 1] = {id, flat, scheduler_of(q, flat)}
            end
        end
    end
    return jobs
end

-- The next ids of the line.
local function next_ids(q, count)
    local ids = redis.call('RPOP', q .. 'wait', int(count)) or {}
    if #ids < count then
        local more = redis.call('ZPOPMIN', q .. 'prioritized', int(count - #ids))
        for index = 1, #more, 2 do
            ids[#ids + 1] = more[index]
        end
    end
    return ids
end

-- Makes a job active. Returns its hash as it is then, or nothing where that was evicted.
local function begin_job(meta, id, take_args)
    local q = meta.q
    local flat = redis.call('HGETALL', q .. id)
    local job = fields(flat)
    if not job.name then
        if #flat > 0 then
            delete_jobs(q, {id})
        end
        return
    end
    local changed = {'processedOn', int(now), 'ats', int((tonumber(job.ats) or 0) + 1)}
    if take_args.name ~= '' then
        changed[5], changed[6] = 'pb', take_args.name
    end
    redis.call('SET', q .. id .. ':lock', take_args.token, 'PX', take_args.lock)
    redis.call('HSET', q .. id, unpack(changed))
    event(meta, 'active', 'jobId', id, 'prev', 'waiting')
    for _, text in ipairs(changed) do
        flat[#flat + 1] = text
    end
    return flat
end

-- Takes up to so many jobs for the holder of the token.
--
-- Returns 0 and the jobs, each as its id, its hash and that of its scheduler; or why there is none, and for how long: 1 the queue
-- is paused, 2 as many are active as may be, 3 as many were begun as may be in a time. Then when the next delayed job is due, or -1.
-- The hash of an evicted job is empty: that is there for its scheduler alone.
local function take(meta, take_args)
    local q, jobs, lost = meta.q, {}, {}
    if take_args.again then
        -- The jobs that the same request took before its answer was lost.
        jobs = taken_before(q, take_args.token)
        if #jobs > 0 then
            return {0, 0, -1, jobs}
        end
    end
    promote_due(meta, lost)
    -- One sweep in eleven, since what it looks for is rare and costs two commands.
    if take_args.swept and now % 11 == 0 then
        find_stopped(meta, lost, take_args.interval)
    end
    local status, wait = 0, 0
    local most, duration = take_args.most or meta.max, take_args.duration or meta.duration
    if not (most and duration and duration >= 1) then
        most = nil
    end
    local used = tonumber(redis.call('GET', q .. 'limiter')) or 0
    local begin = math.min(take_args.want, room(meta))
    -- Another number there is a pause by hand.
    if used >= (most or MOST) then
        local left = redis.call('PTTL', q .. 'limiter')
        if left > 0 then
            status, wait = 3, left
        else
            used = 0
        end
    end
    if most then
        begin = math.min(begin, most - used)
    end
    if meta.paused then
        status = 1
    elseif status == 0 and begin <= 0 then
        status = 2
    end
    if status == 0 then
        local active, ghosts = {}, 0
        repeat
            local ids, before = next_ids(q, begin - #jobs), ghosts
            for _, id in ipairs(ids) do
                local flat = begin_job(meta, id, take_args)
                if flat then
                    active[#active + 1] = id
                    jobs[#jobs + 1] = {id, flat, scheduler_of(q, flat)}
                else
                    ghosts = ghosts + 1
                    add_lost(q, lost, id, true)
                end
            end
        until ghosts == before or #jobs >= begin or ghosts >= GHOSTS
        each_part(active, function(...)
            redis.call('LPUSH', q .. 'active', ...)
        end)
        if most and #active > 0 then
            if redis.call('INCRBY', q .. 'limiter', #active) == #active then
                redis.call('PEXPIRE', q .. 'limiter', int(duration))
            end
        end
    end
    for _, one in ipairs(lost) do
        jobs[#jobs + 1] = one
    end
    return {status, wait, wake_later(meta), jobs}
end

-- The arguments of a pull that begin there.
local function take_at(from)
    local function given(index, what, least)
        return ARGV[index] ~= '' and number_of(ARGV[index], what, least) or nil
    end
    check(ARGV[from] and ARGV[from] ~= '', 'the token')
    return {
        token = ARGV[from], lock = int(number_of(ARGV[from + 1], 'the lock', 1)), want = number_of(ARGV[from + 2], 'the number of jobs'),
        most = given(from + 3, 'the limit', 1), duration = given(from + 4, 'the duration of the limit', 1),
        name = ARGV[from + 5], again = ARGV[from + 6] == '1',
        interval = number_of(ARGV[from + 7], 'the stalled interval'), stalls = number_of(ARGV[from + 8], 'the number of stalls'),
    }
end

-- Looks after the jobs whose worker is gone, then takes.
local function pull(meta, take_args)
    if take_args.interval > 0 then
        take_args.swept = sweep(meta, int(take_args.interval), take_args.stalls) ~= nil
    end
    if take_args.want <= 0 then
        return {0, 0, -1, {}}
    end
    return take(meta, take_args)
end

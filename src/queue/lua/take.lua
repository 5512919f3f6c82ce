-- Those whose worker is gone: seen active twice without a lock.
--
-- Gives their ids.
local function sweep(meta, interval, most)
    local q = meta.q
    if not redis.call('SET', q .. 'stalled-check', int(now), 'PX', interval, 'NX') then
        return {}
    end
    local suspects, stalled = redis.call('SMEMBERS', q .. 'stalled'), {}
    if #suspects > 0 then
        redis.call('DEL', q .. 'stalled')
    end
    for _, id in ipairs(suspects) do
        local job = q .. id
        if redis.call('EXISTS', job .. ':lock') == 0 and redis.call('LREM', q .. 'active', 1, id) == 1 then
            local times = redis.call('HINCRBY', job, 'stc', 1)
            if times > most and redis.call('HEXISTS', job, 'rjk') == 0 then
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
    return stalled
end

-- Delayed jobs whose time has come wait for a worker.
local function promote_due(meta)
    local q = meta.q
    local due = redis.call('ZRANGEBYSCORE', q .. 'delayed', '-inf', int((now + 1) * 4096 - 1), 'LIMIT', 0, 1000)
    if #due == 0 then
        return
    end
    redis.call('ZREM', q .. 'delayed', unpack(due))
    for _, id in ipairs(due) do
        put(meta, id, tonumber(redis.call('HGET', q .. id, 'priority')) or 0)
        redis.call('HSET', q .. id, 'delay', '0')
        event(meta, 'waiting', 'jobId', id, 'prev', 'delayed')
    end
    wake(meta)
end

local function fields(flat)
    local job = {}
    for index = 1, #flat, 2 do
        job[flat[index]] = flat[index + 1]
    end
    return job
end

-- What its scheduler says, of a job that has one.
local function scheduler_of(q, flat)
    local name = fields(flat).rjk
    return name and redis.call('HGETALL', q .. 'repeat:' .. name) or {}
end

-- Takes up to so many jobs for whoever has the token.
--
-- Gives 0 and the jobs, each as its id, its hash and that of its scheduler; or why there is none, and for how long: 1 the queue is paused, 2 as many are
-- active as may be, 3 as many were begun as may be in a time. Then when the next delayed job is due, or -1.
local function take(meta, take_args)
    local q, jobs = meta.q, {}
    local token, lock, want, name = take_args.token, take_args.lock, take_args.want, take_args.name
    if take_args.again then
        -- What the same request has taken before its answer was lost.
        for _, id in ipairs(redis.call('LRANGE', q .. 'active', 0, -1)) do
            if redis.call('GET', q .. id .. ':lock') == token then
                local flat = redis.call('HGETALL', q .. id)
            jobs[#jobs + 1] = {id, flat, scheduler_of(q, flat)}
            end
        end
        if #jobs > 0 then
            return {0, 0, -1, jobs}
        end
    end
    promote_due(meta)
    local status, wait = 0, 0
    local most, duration = take_args.most or meta.max, take_args.duration or meta.duration
    local used = tonumber(redis.call('GET', q .. 'limiter')) or 0
    local begin = math.min(want, room(meta))
    -- Another number there is a pause by hand.
    if used >= (most or 9007199254740991) then
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
        local ids = redis.call('RPOP', q .. 'wait', begin) or {}
        if #ids < begin then
            local more = redis.call('ZPOPMIN', q .. 'prioritized', begin - #ids)
            for index = 1, #more, 2 do
                ids[#ids + 1] = more[index]
            end
        end
        local active = {}
        for _, id in ipairs(ids) do
            local flat = redis.call('HGETALL', q .. id)
            if #flat > 0 then
                local starts = (tonumber(fields(flat).ats) or 0) + 1
                local changed = {'processedOn', int(now), 'ats', int(starts)}
                if name ~= '' then
                    changed[5], changed[6] = 'pb', name
                end
                redis.call('SET', q .. id .. ':lock', token, 'PX', lock)
                redis.call('HSET', q .. id, unpack(changed))
                redis.call('XADD', q .. 'events', '*', 'event', 'active', 'jobId', id, 'prev', 'waiting')
                for _, text in ipairs(changed) do
                    flat[#flat + 1] = text
                end
                active[#active + 1] = id
                jobs[#jobs + 1] = {id, flat, scheduler_of(q, flat)}
            end
        end
        each_part(active, function(...)
            redis.call('LPUSH', q .. 'active', ...)
        end)
        if most and #active > 0 then
            if redis.call('INCRBY', q .. 'limiter', #active) == #active then
                redis.call('PEXPIRE', q .. 'limiter', duration)
            end
        end
    end
    return {status, wait, wake_later(meta), jobs}
end

-- The arguments of a pull that begin there.
local function take_at(from)
    local most, duration = tonumber(ARGV[from + 3]), tonumber(ARGV[from + 4])
    return {
        token = ARGV[from], lock = ARGV[from + 1], want = tonumber(ARGV[from + 2]), most = most, duration = duration,
        name = ARGV[from + 5], again = ARGV[from + 6] == '1',
        interval = tonumber(ARGV[from + 7]), stalls = tonumber(ARGV[from + 8]),
    }
end

-- Looks after those whose worker is gone, then takes.
local function pull(meta, take_args)
    if take_args.interval > 0 then
        sweep(meta, take_args.interval, take_args.stalls)
    end
    if take_args.want <= 0 then
        return {0, 0, -1, {}}
    end
    return take(meta, take_args)
end

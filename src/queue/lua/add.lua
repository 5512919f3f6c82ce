-- Adds one job that is not there yet. Its fields are those of enqueue.lua.
local function add_job(meta, job, waiting)
    local q, id = meta.q, job.id
    local fields = {
        'name', job.name, 'data', job.data, 'opts', job.opts, 'timestamp', job.timestamp, 'delay', job.delay, 'priority', job.priority,
    }
    local function more(name, value)
        if value ~= '' then
            fields[#fields + 1] = name
            fields[#fields + 1] = value
        end
    end
    more('parentKey', job.parent_key)
    more('parent', job.parent)
    more('deid', job.deduplication)
    more('rjk', job.scheduler)
    redis.call('HSET', q .. id, unpack(fields))
    redis.call('XADD', q .. 'events', '*', 'event', 'added', 'jobId', id, 'name', job.name)
    if job.parent_key ~= '' then
        redis.call('SADD', job.parent_key .. ':dependencies', q .. id)
    end
    local delay, priority = tonumber(job.delay), tonumber(job.priority)
    if job.children then
        redis.call('ZADD', q .. 'waiting-children', job.timestamp, id)
        event(meta, 'waiting-children', 'jobId', id)
        return
    elseif delay > 0 then
        delay_until(meta, id, tonumber(job.timestamp) + delay)
        waiting.later = true
        return
    elseif priority > 0 then
        prioritize(meta, id, priority)
    elseif job.lifo == '1' then
        waiting.last[#waiting.last + 1] = id
    else
        waiting.first[#waiting.first + 1] = id
    end
    waiting.now = true
    event(meta, 'waiting', 'jobId', id)
end

-- Puts those that were added into their lines at once, and wakes a worker.
local function flush(meta, waiting)
    each_part(waiting.first, function(...)
        redis.call('LPUSH', meta.list, ...)
    end)
    each_part(waiting.last, function(...)
        redis.call('RPUSH', meta.list, ...)
    end)
    if waiting.now then
        wake(meta)
    end
    if waiting.later then
        wake_later(meta)
    end
end

local function nobody()
    return {first = {}, last = {}, now = false, later = false}
end

-- Whether another job stands for this one; then its id.
local function deduplicate(meta, job)
    local q, key = meta.q, meta.q .. 'de:' .. job.deduplication
    local function set(...)
        if job.ttl ~= '' then
            return redis.call('SET', key, job.id, 'PX', job.ttl, ...)
        end
        return redis.call('SET', key, job.id, ...)
    end
    if set('NX') then
        return
    end
    local holder = redis.call('GET', key)
    if holder == job.id then
        return
    end
    local function told(kept, dropped)
        event(meta, 'deduplicated', 'jobId', kept, 'deduplicationId', job.deduplication, 'deduplicatedJobId', dropped)
    end
    if string.find(job.modes, 'r') and redis.call('ZREM', q .. 'delayed', holder) == 1 then
        -- One that has not begun gives way.
        delete_jobs(q, {holder})
        event(meta, 'removed', 'jobId', holder, 'prev', 'delayed')
        if string.find(job.modes, 'e') or job.ttl == '' then
            set()
        else
            redis.call('SET', key, job.id, 'KEEPTTL')
        end
        told(job.id, holder)
        return
    end
    if string.find(job.modes, 'k') and redis.call('LPOS', q .. 'active', holder) then
        -- The last one that came while it works is added when it is done.
        redis.call('HSET', q .. 'dn:' .. job.deduplication, 'name', job.name, 'data', job.data, 'opts', job.opts, 'jid', job.id)
        told(holder, job.id)
        return holder
    end
    if string.find(job.modes, 'e') and job.ttl ~= '' then
        redis.call('PEXPIRE', key, job.ttl)
    end
    told(holder, job.id)
    return holder
end

local FIELDS = {
    'id', 'name', 'data', 'opts', 'timestamp', 'delay', 'priority', 'lifo', 'parent_key', 'parent', 'deduplication', 'ttl', 'modes',
}

-- A job from the arguments that begin there, and where the next one begins.
local function job_at(from)
    local job = {scheduler = ''}
    for index, field in ipairs(FIELDS) do
        job[field] = ARGV[from + index - 1]
    end
    return job, from + #FIELDS
end

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
    event(meta, 'added', 'jobId', id, 'name', job.name)
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

-- Puts the added jobs into their lines at once, and wakes a worker.
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

-- Whether a job that is there already, and is added again as a child, has another parent.
local function has_other_parent(q, job)
    if job.parent_key == '' then
        return false
    end
    local other = redis.call('HGET', q .. job.id, 'parentKey')
    return other and other ~= '' and other ~= job.parent_key and redis.call('EXISTS', other) == 1
end

-- A job that is there already becomes the child of the parent that it is added with again. Returns a function to call when
-- all children of that parent are there: a completed job counts for its parent at once.
local function adopt(meta, job)
    local q, key = meta.q, meta.q .. job.id
    if job.parent_key == '' or redis.call('EXISTS', job.parent_key) == 0 then
        event(meta, 'duplicated', 'jobId', job.id)
        return
    end
    local found = redis.call('HMGET', key, 'parentKey', 'returnvalue')
    if found[1] ~= job.parent_key then
        redis.call('HSET', key, 'parentKey', job.parent_key, 'parent', job.parent)
        redis.call('SADD', job.parent_key .. ':dependencies', key)
    end
    event(meta, 'duplicated', 'jobId', job.id)
    if found[1] ~= job.parent_key and redis.call('ZSCORE', q .. 'completed', job.id) then
        return function()
            child_completed(job.parent, job.parent_key, key, found[2] or 'null')
        end
    end
end

-- The age, in milliseconds, from which on a holder of a deduplication id is looked for: its line may have been evicted.
local OLD = 3600000

-- Whether another job holds the deduplication id. Then returns its id.
local function deduplicate(meta, job)
    local q, key = meta.q, meta.q .. 'de:' .. job.deduplication
    local keeps_last = string.find(job.modes, 'k')
    -- The id of `keepLastIfActive` is held as long as the job is there, whatever its TTL.
    local ttl = not keeps_last and job.ttl ~= '' and job.ttl
    local function hold(...)
        if ttl then
            return redis.call('SET', key, job.id, 'PX', ttl, ...)
        end
        return redis.call('SET', key, job.id, ...)
    end
    if hold('NX') then
        return
    end
    local holder = redis.call('GET', key)
    local function report(kept, dropped)
        event(meta, 'deduplicated', 'jobId', kept, 'deduplicationId', job.deduplication, 'deduplicatedJobId', dropped)
    end
    if keeps_last and redis.call('LPOS', q .. 'active', holder) then
        -- The last job that arrives while the holder is active is added when that has finished.
        local kept = q .. 'dn:' .. job.deduplication
        redis.call('DEL', kept)
        redis.call('HSET', kept, 'name', job.name, 'data', job.data, 'opts', job.opts, 'jid', job.id)
        redis.call('PERSIST', key)
        report(holder, job.id)
        return holder
    end
    local replaces = string.find(job.modes, 'r')
    if replaces and redis.call('ZREM', q .. 'delayed', holder) == 1 then
        discard(q, {holder}, false, true)
        event(meta, 'removed', 'jobId', holder, 'prev', 'delayed')
        if ttl and not string.find(job.modes, 'e') then
            redis.call('SET', key, job.id, 'KEEPTTL')
        else
            hold()
        end
        report(job.id, holder)
        return
    end
    if not ttl then
        local since = redis.call('HGET', q .. holder, 'timestamp')
        if not since then
            -- The holder was evicted.
            hold()
            return
        elseif now - (tonumber(since) or 0) > OLD then
            find_lost(q .. holder)
        end
    end
    if not replaces then
        if ttl and string.find(job.modes, 'e') then
            redis.call('PEXPIRE', key, ttl)
        end
        report(holder, job.id)
    end
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
        check(job[field], 'a job without its ' .. field)
    end
    check(job.id ~= '', 'the id of a job')
    number_of(job.timestamp, 'the timestamp of a job')
    number_of(job.delay, 'the delay of a job')
    number_of(job.priority, 'the priority of a job')
    if job.ttl ~= '' then
        number_of(job.ttl, 'the TTL of a deduplication', 1)
    end
    return job, from + #FIELDS
end

-- How many jobs the arguments have, which begin with that.
local function count_at(from)
    return number_of(ARGV[from], 'the number of jobs')
end

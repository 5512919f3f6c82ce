-- The next job of a scheduler. One that is there already stays as it is.
local function schedule(meta, scheduler, due, name, data, opts, priority)
    local q, waiting = meta.q, nobody()
    local id = 'repeat:' .. scheduler .. ':' .. due
    redis.call('ZADD', q .. 'repeat', due, scheduler)
    if redis.call('EXISTS', q .. id) == 1 then
        event(meta, 'duplicated', 'jobId', id)
        return id
    end
    redis.call('HINCRBY', q .. 'repeat:' .. scheduler, 'ic', 1)
    add_job(meta, {
        id = id, name = name, data = data, opts = opts, timestamp = int(now), delay = int(math.max(tonumber(due) - now, 0)),
        priority = priority, lifo = '0', parent_key = '', parent = '', deduplication = '', scheduler = scheduler,
    }, waiting)
    flush(meta, waiting)
    return id
end

-- Takes away the job of a scheduler that has not begun.
local function unschedule(meta, scheduler)
    local q = meta.q
    local due = redis.call('ZSCORE', q .. 'repeat', scheduler)
    if not due then
        return false
    end
    local id = 'repeat:' .. scheduler .. ':' .. int(tonumber(due))
    local gone = redis.call('ZREM', q .. 'delayed', id) + redis.call('LREM', meta.list, 0, id) + redis.call('ZREM', q .. 'prioritized', id)
    if gone > 0 then
        delete_jobs(q, {id})
        event(meta, 'removed', 'jobId', id, 'prev', 'delayed')
    end
    return true
end

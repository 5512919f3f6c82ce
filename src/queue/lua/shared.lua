-- What the scripts of a queue have in common. Each begins with this, and has these:
--
-- KEYS     the keys of the queue; those of its jobs, and of a parent in another queue, are made of their prefixes
-- ARGV[1]  the prefix of all of them, `bull:queue:`
-- ARGV[2]  now, in Unix milliseconds
local P, now = ARGV[1], tonumber(ARGV[2])

-- A number as text: Lua's own way keeps 14 digits.
local function int(number)
    return string.format('%.0f', number)
end

-- What the queue says of itself. `list` is where jobs wait: before version 6 a queue that is paused keeps them in a list
-- of its own, which its end renames to `wait`, over what is there.
local function read_meta(q)
    local found = redis.call('HMGET', q .. 'meta', 'paused', 'version', 'concurrency', 'opts.maxLenEvents', 'max', 'duration')
    local major = tonumber(string.match(found[2] or '', '^bullmq:(%d+)%.'))
    local meta = {
        q = q,
        paused = found[1] and true or false,
        list = q .. 'wait',
        concurrency = tonumber(found[3]),
        events = found[4] or '10000',
        max = tonumber(found[5]),
        duration = tonumber(found[6]),
    }
    if meta.paused and not (major and major >= 6) then
        meta.list = q .. 'paused'
    end
    return meta
end

local function event(meta, name, ...)
    redis.call('XADD', meta.q .. 'events', 'MAXLEN', '~', meta.events, '*', 'event', name, ...)
end

-- How many more may be active.
local function room(meta)
    if not meta.concurrency then
        return math.huge
    end
    return meta.concurrency - redis.call('LLEN', meta.q .. 'active')
end

-- Wakes a worker that waits for work.
local function wake(meta)
    if not meta.paused and room(meta) > 0 then
        redis.call('ZADD', meta.q .. 'marker', 0, '0')
    end
end

-- Wakes one when the next delayed job is due; gives when that is.
local function wake_later(meta)
    local first = redis.call('ZRANGE', meta.q .. 'delayed', 0, 0, 'WITHSCORES')
    if not first[1] then
        return -1
    end
    local due = math.floor(tonumber(first[2]) / 4096)
    redis.call('ZADD', meta.q .. 'marker', int(due), '1')
    return due
end

-- Jobs of one millisecond stay in their order.
local function delay_until(meta, id, due)
    local low, high = due * 4096, due * 4096 + 4095
    local last = redis.call('ZREVRANGEBYSCORE', meta.q .. 'delayed', int(high), int(low), 'WITHSCORES', 'LIMIT', 0, 1)
    local score = last[2] and math.min(tonumber(last[2]) + 1, high) or low
    redis.call('ZADD', meta.q .. 'delayed', int(score), id)
    event(meta, 'delayed', 'jobId', id, 'delay', int(due))
end

-- Among jobs of one priority the first is next.
local function prioritize(meta, id, priority)
    local count = redis.call('INCR', meta.q .. 'pc')
    redis.call('ZADD', meta.q .. 'prioritized', int(priority * 4294967296 + count % 4294967296), id)
end

-- Puts a job where it waits, at the end of the line, or `first`.
local function put(meta, id, priority, first)
    if priority > 0 then
        prioritize(meta, id, priority)
    else
        redis.call(first and 'RPUSH' or 'LPUSH', meta.list, id)
    end
end

local function keys_of(job)
    return job, job .. ':lock', job .. ':logs', job .. ':dependencies', job .. ':processed', job .. ':failed', job .. ':unsuccessful'
end

-- The keys of jobs, some thousands at a time.
local function delete_jobs(q, ids)
    for from = 1, #ids, 500 do
        local keys = {}
        for index = from, math.min(from + 499, #ids) do
            local job = q .. ids[index]
            for _, key in ipairs({keys_of(job)}) do
                keys[#keys + 1] = key
            end
        end
        redis.call('DEL', unpack(keys))
    end
end

-- A command with many members, some thousands at a time.
local function each_part(list, act)
    for from = 1, #list, 1000 do
        act(unpack(list, from, math.min(from + 999, #list)))
    end
end

-- What keeps other jobs of its deduplication away ends with the job, if it has no time of its own.
local function free_deduplication(q, id, deduplication)
    if not deduplication or deduplication == '' then
        return
    end
    local key = q .. 'de:' .. deduplication
    if redis.call('GET', key) == id and redis.call('PTTL', key) == -1 then
        redis.call('DEL', key)
    end
end

-- Where the job of a child's parent is: the prefix of its queue, and its id.
local function parent_of(text)
    local ok, parent = pcall(cjson.decode, text)
    if ok and type(parent) == 'table' and parent.queueKey and parent.id then
        return parent.queueKey .. ':', tostring(parent.id), parent
    end
end

-- A parent that waits for nobody any more waits for a worker.
local function release_parent(q, id)
    if redis.call('ZREM', q .. 'waiting-children', id) == 0 then
        return
    end
    local meta = read_meta(q)
    local found = redis.call('HMGET', q .. id, 'priority', 'delay')
    local delay = tonumber(found[2]) or 0
    if delay > 0 then
        delay_until(meta, id, now + delay)
        wake_later(meta)
        return
    end
    put(meta, id, tonumber(found[1]) or 0, true)
    wake(meta)
    event(meta, 'waiting', 'jobId', id, 'prev', 'waiting-children')
end

-- Tells the parent that a child is done.
local function child_completed(text, child, value)
    local q, id = parent_of(text)
    if not q then
        return
    end
    local job = q .. id
    if redis.call('SREM', job .. ':dependencies', child) == 0 then
        return
    end
    redis.call('HSET', job .. ':processed', child, value)
    if redis.call('SCARD', job .. ':dependencies') == 0 then
        release_parent(q, id)
    end
end

-- Tells the parent that a child has failed, by the way that the child was added with.
local function child_failed(text, child, reason)
    local q, id, parent = parent_of(text)
    if not q or not (parent.fpof or parent.cpof or parent.idof or parent.rdof) then
        return
    end
    local job = q .. id
    if redis.call('SREM', job .. ':dependencies', child) == 0 then
        return
    end
    if parent.fpof then
        redis.call('ZADD', job .. ':unsuccessful', int(now), child)
        if redis.call('EXISTS', job) == 1 then
            redis.call('HSET', job, 'defa', 'child ' .. child .. ' failed')
            release_parent(q, id)
        end
        return
    end
    if not parent.rdof then
        redis.call('HSET', job .. ':failed', child, reason)
    end
    if parent.cpof or redis.call('SCARD', job .. ':dependencies') == 0 then
        release_parent(q, id)
    end
end

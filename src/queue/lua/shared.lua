-- The beginning of every script of a queue. All of them take:
--
-- KEYS     the keys of the queue; those of its jobs, and of a parent in another queue, are made of their prefixes
-- ARGV[1]  the prefix of all of them, `bull:queue:`
-- ARGV[2]  now, in Unix milliseconds
local P, now = ARGV[1], tonumber(ARGV[2])

-- A number as text: Lua's own way keeps 14 digits.
local function int(number)
    return string.format('%.0f', number)
end

-- Fails before the script has written anything: a script that stops halfway leaves half of its writes.
local function check(is_right, what)
    if not is_right then
        error('ERR the queue was sent a wrong argument: ' .. what, 0)
    end
end

-- The largest number whose neighbors a script can still tell apart.
local MOST = 9007199254740991

-- A whole number of the arguments, from `least` on.
local function number_of(text, what, least)
    local number = tonumber(text)
    check(number and number >= (least or 0) and number <= MOST, what)
    return number
end

check(now and now >= 0 and now <= MOST and P and P ~= '', 'the prefix and the time')

-- The settings of a queue. `list` is the list of its waiting jobs: before version 6 a paused queue keeps them in a list
-- of its own, which `resume` renames to `wait`, over what is there.
local function read_meta(q)
    local found = redis.call('HMGET', q .. 'meta', 'paused', 'version', 'concurrency', 'opts.maxLenEvents', 'max', 'duration')
    local major = tonumber(string.match(found[2] or '', '^bullmq:(%d+)%.'))
    local events = tonumber(found[4]) or 10000
    local meta = {
        q = q,
        paused = found[1] and true or false,
        list = q .. 'wait',
        concurrency = tonumber(found[3]),
        events = int(math.max(math.min(events, MOST), 0)),
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

-- A command with many members, a thousand at a time: Lua's `unpack` fails at about 8,000.
local function each_part(list, act)
    for from = 1, #list, 1000 do
        act(unpack(list, from, math.min(from + 999, #list)))
    end
end

-- Whether a job is the next one of a scheduler, which would stop without it.
local function is_next_of_scheduler(q, id)
    local scheduler, slot = string.match(id, '^repeat:(.*):(%d+)$')
    local due = scheduler and redis.call('ZSCORE', q .. 'repeat', scheduler)
    return due and int(tonumber(due)) == slot
end

-- Deletes the keys of jobs. Only `discard` calls it for jobs that may have a parent.
local function delete_jobs(q, ids)
    for from = 1, #ids, 500 do
        local keys = {}
        for index = from, math.min(from + 499, #ids) do
            local job = q .. ids[index]
            for _, name in ipairs({'', ':lock', ':logs', ':dependencies', ':processed', ':failed', ':unsuccessful'}) do
                keys[#keys + 1] = job .. name
            end
        end
        redis.call('DEL', unpack(keys))
    end
end

-- Frees the deduplication id of a job that has finished. One with a TTL is held until that is over.
local function free_deduplication(q, id, deduplication)
    if not deduplication or deduplication == '' then
        return
    end
    local key = q .. 'de:' .. deduplication
    if redis.call('GET', key) == id and redis.call('PTTL', key) == -1 then
        redis.call('DEL', key)
    end
end

-- The prefix of a job's queue, and its id, of its whole key. Prefixes and ids may have colons: the job's own options tell
-- where its id begins.
local function split_key(key)
    local opts = redis.call('HGET', key, 'opts')
    local ok, read = pcall(cjson.decode, opts or '')
    local id = ok and type(read) == 'table' and type(read.jobId) == 'string' and read.jobId
    if id and id ~= '' and string.sub(key, -#id - 1) == ':' .. id then
        return string.sub(key, 1, -#id - 1), id
    end
    return string.match(key, '^(.*:)([^:]*)$')
end

-- The prefix of the queue of a child's parent, the parent's id, and what the child's failure does to it.
local function parent_of(text, key)
    local ok, parent = pcall(cjson.decode, text or '')
    if ok and type(parent) == 'table' and type(parent.queueKey) == 'string' and parent.id then
        return parent.queueKey .. ':', tostring(parent.id), parent
    end
    if key and key ~= '' then
        local q, id = split_key(key)
        return q, id, {}
    end
end

-- Drops a parent whose hash was evicted.
local function drop_parent(q, id)
    if redis.call('ZREM', q .. 'waiting-children', id) == 1 then
        delete_jobs(q, {id})
    end
end

-- Lets a parent wait for a worker, since it waits for no child anymore.
local function release_parent(q, id, quietly)
    if redis.call('ZREM', q .. 'waiting-children', id) == 0 then
        return
    end
    local found = redis.call('HMGET', q .. id, 'name', 'priority', 'delay')
    if not found[1] then
        -- Its hash was evicted.
        delete_jobs(q, {id})
        return
    end
    local meta = read_meta(q)
    local delay = tonumber(found[3]) or 0
    if delay > 0 then
        delay_until(meta, id, now + delay)
        wake_later(meta)
        return
    end
    put(meta, id, tonumber(found[2]) or 0, true)
    wake(meta)
    if not quietly then
        event(meta, 'waiting', 'jobId', id, 'prev', 'waiting-children')
    end
end

-- Deletes jobs that the caller has taken out of their lists, and releases the parents that waited only for them. Every script
-- that deletes a job does it by this.
--
-- `hard` is the way of clean, drain and obliterate: a parent in the same queue that waits for no other child is deleted too,
-- and one in another queue is released without an event. `keeps_id` leaves the deduplication id alone.
--
-- Returns how many jobs it deleted.
local function discard(q, ids, hard, keeps_id)
    local count = 0
    while #ids > 0 do
        local parents, above, held = {}, {}, {}
        for _, id in ipairs(ids) do
            local job = q .. id
            local found = redis.call('HMGET', job, 'parentKey', 'parent', 'deid')
            if found[1] or found[2] then
                parents[#parents + 1] = {job, found[2], found[1]}
            end
            if found[3] and found[3] ~= '' and not keeps_id and redis.call('GET', q .. 'de:' .. found[3]) == id then
                held[#held + 1] = q .. 'de:' .. found[3]
                held[#held + 1] = q .. 'dn:' .. found[3]
            end
        end
        delete_jobs(q, ids)
        each_part(held, function(...)
            redis.call('DEL', ...)
        end)
        count = count + #ids
        for _, child in ipairs(parents) do
            local parent_q, parent_id = parent_of(child[2], child[3])
            local waits_for = parent_q and parent_q .. parent_id .. ':dependencies'
            if parent_q and redis.call('SREM', waits_for, child[1]) == 1 and redis.call('EXISTS', waits_for) == 0 then
                if not hard or parent_q ~= q then
                    release_parent(parent_q, parent_id, hard)
                elseif redis.call('ZREM', q .. 'waiting-children', parent_id) == 1 then
                    above[#above + 1] = parent_id
                end
            end
        end
        ids = above
    end
    return count
end

-- Whether a parent counts this child as open. It also does where its set of children was evicted, and it would wait for good.
local function was_open(q, id, child)
    local job = q .. id
    if redis.call('EXISTS', job) == 0 then
        drop_parent(q, id)
        return false
    end
    if redis.call('SREM', job .. ':dependencies', child) == 1 then
        return true
    end
    return redis.call('EXISTS', job .. ':dependencies') == 0 and redis.call('ZSCORE', q .. 'waiting-children', id) and true or false
end

-- Notes at the parent that a child is completed.
local function child_completed(text, key, child, value)
    local q, id = parent_of(text, key)
    if not q or not was_open(q, id, child) then
        return
    end
    local job = q .. id
    redis.call('HSET', job .. ':processed', child, value)
    if redis.call('SCARD', job .. ':dependencies') == 0 then
        release_parent(q, id)
    end
end

-- Notes at the parent that a child has failed, in the way that the child was added with.
local function child_failed(text, key, child, reason)
    local q, id, parent = parent_of(text, key)
    if not q or not (parent.fpof or parent.cpof or parent.idof or parent.rdof) or not was_open(q, id, child) then
        return
    end
    local job = q .. id
    if parent.fpof then
        redis.call('ZADD', job .. ':unsuccessful', int(now), child)
        redis.call('HSET', job, 'defa', 'child ' .. child .. ' failed')
        if redis.call('ZREM', q .. 'delayed', id) == 1 then
            local meta = read_meta(q)
            redis.call('HSET', job, 'delay', '0')
            put(meta, id, tonumber(redis.call('HGET', job, 'priority')) or 0)
            event(meta, 'waiting', 'jobId', id, 'prev', 'delayed')
            wake(meta)
        else
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

-- A list that is longer is not searched.
local SEARCHED = 10000

-- Whether a job is in no list and no set, because that was evicted.
local function is_nowhere(q, id)
    for _, set in ipairs({'completed', 'failed', 'delayed', 'prioritized', 'waiting-children'}) do
        if redis.call('ZSCORE', q .. set, id) then
            return false
        end
    end
    for _, list in ipairs({'active', 'wait', 'paused'}) do
        if redis.call('LLEN', q .. list) > SEARCHED or redis.call('LPOS', q .. list, id) then
            return false
        end
    end
    return true
end

-- Puts a job into its line again if that was evicted with it. Its parent, or jobs with its deduplication id, would wait for good.
local function find_lost(key)
    local q, id = split_key(key)
    if not q or redis.call('EXISTS', key .. ':lock') == 1 or not is_nowhere(q, id) then
        return
    end
    local meta = read_meta(q)
    local found = redis.call('HMGET', key, 'name', 'priority', 'delay', 'timestamp')
    local due = (tonumber(found[4]) or 0) + (tonumber(found[3]) or 0)
    if not found[1] then
        return
    elseif redis.call('EXISTS', key .. ':dependencies') == 1 then
        redis.call('ZADD', q .. 'waiting-children', int(now), id)
        event(meta, 'waiting-children', 'jobId', id)
    elseif due > now and (tonumber(found[3]) or 0) > 0 then
        delay_until(meta, id, due)
        wake_later(meta)
    else
        put(meta, id, tonumber(found[2]) or 0)
        event(meta, 'waiting', 'jobId', id)
        wake(meta)
    end
end

-- The slot of an interval behind the last one, or the first one, and its distance from a multiple of the interval. A slot that is
-- over is left out.
local function slot_behind(last, every, offset, start)
    local slot
    local aligned = math.floor(now / every) * every + offset
    if aligned <= now then
        aligned = aligned + every
    end
    if last then
        slot = last + every
        if slot < now then
            slot = aligned
        end
    elseif start then
        slot = math.max(start, now)
    elseif offset > 0 then
        slot = aligned
    else
        slot = now
    end
    return slot, offset > 0 and offset or slot % every
end

-- The arguments of a next job that begin there: its slot, or nothing for that of an interval; the interval, its offset and its start;
-- the options and the id as JSON that has no end yet; 1 for the front of the line. Then its name, data and priority.
local function next_at(from)
    return {
        due = tonumber(ARGV[from]), every = tonumber(ARGV[from + 1]), offset = tonumber(ARGV[from + 2]) or 0,
        start = tonumber(ARGV[from + 3]),
        opts = ARGV[from + 4], id = ARGV[from + 5], lifo = ARGV[from + 6],
        name = ARGV[from + 7], data = ARGV[from + 8], priority = ARGV[from + 9],
    }
end

local function job_in(scheduler, slot)
    return 'repeat:' .. scheduler .. ':' .. int(slot)
end

-- The first slot of an interval from there on that has no job, or nothing. With `adopt` one whose job has not begun is free too.
local function free_slot(q, scheduler, slot, every, adopt)
    for _ = 1, 33 do
        local job = q .. job_in(scheduler, slot)
        if redis.call('EXISTS', job) == 0 then
            return slot
        end
        if adopt then
            local begun = redis.call('HMGET', job, 'processedOn', 'finishedOn')
            if not begun[1] and not begun[2] then
                return slot, true
            end
        end
        if not every then
            return
        end
        slot = slot + every
    end
end

-- Adds the job of a slot that is free.
local function schedule(meta, scheduler, slot, job)
    local waiting = nobody()
    local due, delay = int(slot), int(math.max(slot - now, 0))
    local opts = job.opts .. ',"jobId":' .. job.id .. due .. '","delay":' .. delay .. ',"prevMillis":' .. due .. '}'
    add_job(meta, {
        id = job_in(scheduler, slot), name = job.name, data = job.data, opts = opts, timestamp = int(now), delay = delay,
        priority = job.priority, lifo = job.lifo, parent_key = '', parent = '', deduplication = '', scheduler = scheduler,
    }, waiting)
    flush(meta, waiting)
end

-- Removes the job of a scheduler's slot that has not begun. Returns whether there was one.
local function unschedule(meta, scheduler, slot)
    local q, id = meta.q, job_in(scheduler, slot)
    local prev = redis.call('ZREM', q .. 'delayed', id) == 1 and 'delayed'
        or redis.call('ZREM', q .. 'prioritized', id) == 1 and 'prioritized'
        or redis.call('LREM', meta.list, 1, id) == 1 and 'wait'
    if not prev then
        return false
    end
    delete_jobs(q, {id})
    event(meta, 'removed', 'jobId', id, 'prev', prev)
    return true
end

-- Adds jobs, all in one step. A job whose id is there already stays as it is.
--
-- KEYS     behind those of the queue: those of the jobs
-- ARGV[3]  how many jobs
-- ARGV     for each: id, name, data, opts, timestamp, delay, priority, 1 for the front of the line, the key of the parent, the
--          parent, the deduplication, its TTL, and its modes: e(xtend), r(eplace), k(eep the last)
--
-- Returns for each the id of the job that it is, or of the one that holds its deduplication id. If a parent is gone, or a job
-- has another parent, it adds nothing and returns an empty text, the job's place, and -5 or -7.
local meta, waiting = read_meta(P), nobody()
local jobs, from, own = {}, 4, {}
for index = 1, count_at(3) do
    jobs[index], from = job_at(from)
    own[P .. jobs[index].id] = true
end
local taken = 0
local keys = {}
for index, job in ipairs(jobs) do
    keys[index] = P .. job.id
    if job.parent_key ~= '' then
        if not own[job.parent_key] and redis.call('EXISTS', job.parent_key) == 0 and redis.call('EXISTS', keys[index]) == 0 then
            return {'', int(index), '-5'}
        elseif has_other_parent(P, job) then
            return {'', int(index), '-7'}
        end
    end
end
each_part(keys, function(...)
    taken = taken + redis.call('EXISTS', ...)
end)
local answers, seen, last = {}, {}, {}
for index, job in ipairs(jobs) do
    local answer = job.id
    if seen[job.id] or taken > 0 and redis.call('EXISTS', P .. job.id) == 1 then
        last[#last + 1] = adopt(meta, job)
    else
        local other = job.deduplication ~= '' and deduplicate(meta, job)
        if other then
            answer = other
        else
            add_job(meta, job, waiting)
            seen[job.id] = true
        end
    end
    answers[index] = answer
end
flush(meta, waiting)
for _, act in ipairs(last) do
    act()
end
return answers

-- Adds jobs, all in one step. One whose id is there already stays as it is.
--
-- KEYS     behind those of the queue: those of the jobs
-- ARGV[3]  how many jobs
-- ARGV     for each: id, name, data, opts, timestamp, delay, priority, 1 for the front of the line, the key of the parent, the
--          parent, the deduplication, its time, and its modes: e(xtend), r(eplace), k(eep the last)
--
-- Gives for each the id of the job that stands for it, or nothing where its parent is gone.
local meta, waiting = read_meta(P), nobody()
local jobs, from = {}, 4
for index = 1, tonumber(ARGV[3]) do
    jobs[index], from = job_at(from)
end
local taken = 0
local keys = {}
for index, job in ipairs(jobs) do
    keys[index] = P .. job.id
end
each_part(keys, function(...)
    taken = taken + redis.call('EXISTS', ...)
end)
local answers, seen = {}, {}
for index, job in ipairs(jobs) do
    local answer = job.id
    if seen[job.id] or taken > 0 and redis.call('EXISTS', P .. job.id) == 1 then
        event(meta, 'duplicated', 'jobId', job.id)
    elseif job.parent_key ~= '' and redis.call('EXISTS', job.parent_key) == 0 then
        answer = ''
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
return answers

-- Adds a tree of jobs, all in one step: parents, which wait for their children, before these. Queues may be several.
--
-- ARGV[3]  how many jobs
-- ARGV     for each: the prefix of its queue, 1 if it has children, and what enqueue.lua takes
--
-- Returns the id of each. If a job has another parent, it adds nothing and returns an empty text, the job's place, and -7.
local queues, order, jobs, answers, last, from = {}, {}, {}, {}, {}, 4
for index = 1, count_at(3) do
    local prefix, children = ARGV[from], ARGV[from + 1] == '1'
    check(prefix and prefix ~= '', 'the prefix of a job')
    local job
    job, from = job_at(from + 2)
    job.prefix, job.children = prefix, children
    jobs[index] = job
end
for index, job in ipairs(jobs) do
    if has_other_parent(job.prefix, job) then
        return {'', int(index), '-7'}
    end
end
for index, job in ipairs(jobs) do
    local prefix = job.prefix
    if not queues[prefix] then
        queues[prefix] = {read_meta(prefix), nobody()}
        order[#order + 1] = queues[prefix]
    end
    local meta, waiting = unpack(queues[prefix])
    if redis.call('EXISTS', prefix .. job.id) == 1 then
        last[#last + 1] = adopt(meta, job)
    else
        add_job(meta, job, waiting)
    end
    answers[index] = job.id
end
for _, queue in ipairs(order) do
    flush(unpack(queue))
end
for _, act in ipairs(last) do
    act()
end
return answers

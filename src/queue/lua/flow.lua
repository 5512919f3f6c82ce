-- Adds a tree of jobs, all in one step: parents, which wait for their children, before these. Queues may be several.
--
-- ARGV[3]  how many jobs
-- ARGV     for each: the prefix of its queue, 1 if it has children, and what enqueue.lua takes
--
-- Gives the id of each.
local queues, order, answers, from = {}, {}, {}, 4
for index = 1, tonumber(ARGV[3]) do
    local prefix, children = ARGV[from], ARGV[from + 1] == '1'
    local job
    job, from = job_at(from + 2)
    job.children = children
    if not queues[prefix] then
        queues[prefix] = {read_meta(prefix), nobody()}
        order[#order + 1] = queues[prefix]
    end
    local meta, waiting = unpack(queues[prefix])
    if redis.call('EXISTS', prefix .. job.id) == 1 then
        event(meta, 'duplicated', 'jobId', job.id)
    else
        add_job(meta, job, waiting)
    end
    answers[index] = job.id
end
for _, queue in ipairs(order) do
    flush(unpack(queue))
end
return answers

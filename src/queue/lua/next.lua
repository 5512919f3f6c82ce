-- The job behind one of a scheduler that was taken: added by whoever takes it first.
--
-- ARGV      for each: the scheduler, the id of the job that was taken, when the next one is due, its name, data, options and priority
--
-- Gives for each the id of the next job, or nothing where somebody else has added it or the scheduler is gone.
local meta, answers = read_meta(P), {}
for from = 3, #ARGV, 7 do
    local scheduler, producer = ARGV[from], ARGV[from + 1]
    local last = redis.call('ZSCORE', P .. 'repeat', scheduler)
    local answer = ''
    if last and producer == 'repeat:' .. scheduler .. ':' .. int(tonumber(last)) then
        answer = schedule(meta, scheduler, unpack(ARGV, from + 2, from + 6))
    end
    answers[#answers + 1] = answer
end
return answers

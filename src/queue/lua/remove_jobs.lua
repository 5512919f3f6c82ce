-- Removes jobs with their unfinished children. ARGV[3…] their ids.
--
-- Returns how many jobs that were, children among them, and how many of the ids it has looked at: fewer than it got where the
-- lists are so long that searching them for all would hold the server.
local count, looked = 0, 0
local length = redis.call('LLEN', P .. 'wait') + redis.call('LLEN', P .. 'paused')
for index = 3, #ARGV do
    count = count + remove(P, ARGV[index])
    looked = looked + 1
    if searches * length > 500000 then
        break
    end
end
return {count, looked}

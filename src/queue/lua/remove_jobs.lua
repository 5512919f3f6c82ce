-- Removes jobs with their unfinished children. ARGV[3…] their ids. Returns how many jobs that were, children among them.
local count = 0
for index = 3, #ARGV do
    count = count + remove(P, ARGV[index])
end
return count

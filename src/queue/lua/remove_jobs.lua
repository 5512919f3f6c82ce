-- Removes jobs, with the children that are not done. ARGV[3…] their ids. Gives how many jobs that were, children among them.
local count = 0
for index = 3, #ARGV do
    count = count + remove(P, ARGV[index])
end
return count

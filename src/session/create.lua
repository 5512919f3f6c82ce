-- Puts a new session, and ends those that are too many then.
--
-- KEYS[1]  the user's hash
-- KEYS[2]  the mark of the new session
-- KEYS[3…] the marks of the fields in ARGV[7…]
-- ARGV[1]  'field' or 'key'
-- ARGV[2]  how long the longest session lives
-- ARGV[3]  the field
-- ARGV[4]  the record
-- ARGV[5]  how long it lives unused, in milliseconds
-- ARGV[6]  how many sessions there may be; 0 is any number
-- ARGV[7…] fields that are known, where marks have their times
put(KEYS[1], KEYS[2], ARGV[3], ARGV[4], ARGV[5])
trim(KEYS[1], tonumber(ARGV[6]), ARGV[3], 7)
return 1

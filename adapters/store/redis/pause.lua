-- Gives out no slot for a while.
-- KEYS: the earliest time of the next slot. ARGV: for how long, in microseconds.
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]

local at = math.max(tonumber(redis.call('GET', KEYS[1]) or 0), now + tonumber(ARGV[1]))
redis.call('SET', KEYS[1], string.format('%.0f', at), 'PX', math.ceil((at - now) / 1000) + 1)
return 1

-- Takes the next slot of the fleet: core.Pace.Reserve, on Redis's clock, in
-- microseconds. Returns 1 and the wait, or 0 and the wait if that is too long.
-- KEYS: the earliest time of the next slot. ARGV: interval, longest wait.
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]

local at = math.max(tonumber(redis.call('GET', KEYS[1]) or 0), now)
local wait = at - now
if wait > tonumber(ARGV[2]) then
	return {0, wait}
end
local after = at + tonumber(ARGV[1])
redis.call('SET', KEYS[1], string.format('%.0f', after), 'PX', math.ceil((after - now) / 1000) + 1)
return {1, wait}

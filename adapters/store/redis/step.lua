-- Takes a step of a claim that still holds. Returns 1, or 0 if it does not.
-- KEYS: the key. ARGV: the step, token, lease (ms), retain (ms), and of the step
-- sending: whether the request may be on its way (1 or 0); finish: the verdict;
-- release: whether the outcome is unknown (1 or 0).
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)

local e = redis.call('HMGET', KEYS[1], 'state', 'token', 'forget')
local state, token, forget = e[1], e[2], e[3]
if state ~= 'held' or token ~= ARGV[2] or now >= tonumber(forget) then
	return 0
end

local name, lease, retain, what = ARGV[1], tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[5]
if name == 'release' and what == '0' then
	redis.call('DEL', KEYS[1])
	return 1
end
if name == 'sending' then
	retain = lease + retain
	redis.call('HSET', KEYS[1], 'sent', what, 'lease', now + lease)
elseif name == 'finish' then
	redis.call('HSET', KEYS[1], 'state', 'finished', 'verdict', what)
else
	redis.call('HSET', KEYS[1], 'state', 'unknown')
end
redis.call('HSET', KEYS[1], 'forget', now + retain)
redis.call('PEXPIRE', KEYS[1], retain)
return 1

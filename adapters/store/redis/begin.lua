-- Claims a key, or tells why it can't be claimed.
-- KEYS: the key. ARGV: payload, lease (ms), retain (ms), resend (1 or 0), a new token.
-- Returns the state, the token if the claim is granted, the verdict if there is one.
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)

-- state: held, finished or unknown. sent: whether a held one may have been sent.
local e = redis.call('HMGET', KEYS[1], 'state', 'payload', 'sent', 'lease', 'forget', 'verdict')
local state, payload, sent, lease, forget, verdict = e[1], e[2], e[3], e[4], e[5], e[6]

local found
if not state or now >= tonumber(forget) then
	found = 'fresh'
elseif payload ~= ARGV[1] then
	return {'other payload', '', ''}
elseif state == 'finished' then
	return {'finished', '', verdict}
elseif state == 'held' and now < tonumber(lease) then
	return {'held', '', ''}
elseif state == 'unknown' or sent == '1' then
	if ARGV[4] ~= '1' then
		return {'abandoned, sent', '', ''}
	end
	found = 'abandoned, sent'
else
	found = 'abandoned'
end

redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'state', 'held', 'payload', ARGV[1], 'token', ARGV[5],
	'sent', found == 'abandoned, sent' and '1' or '0',
	'lease', now + ARGV[2], 'forget', now + ARGV[2] + ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[2] + ARGV[3])
return {found, ARGV[5], ''}

"""Lua: the operations as scripts, each done by Redis in one step. Redis' own clock counts for all who share it."""

from __future__ import annotations

_CLOCK = """
local clock = redis.call('TIME')
local now = tonumber(clock[1]) + tonumber(clock[2]) / 1000000
"""

_WINDOW = (
    _CLOCK
    + """
local key, window = KEYS[1], tonumber(ARGV[1])
local most_requests, most_tokens = tonumber(ARGV[2]), tonumber(ARGV[3])
local SLOTS = 60
local grain = window / SLOTS
local here = math.floor(now / grain)
local slots, amounts = {}, {}

local function text(number) return string.format('%.0f', number) end

local function allows(requests, tokens)
  return (most_requests < 0 or requests <= most_requests) and (most_tokens < 0 or tokens <= most_tokens)
end

local function read()
  local flat = redis.call('HGETALL', key)
  for i = 1, #flat, 2 do
    local slot = tonumber(flat[i])
    if slot < here - SLOTS then
      redis.call('HDEL', key, flat[i])
    else
      local requests, tokens = string.match(flat[i + 1], '^(%d+) (%d+)$')
      slots[#slots + 1] = slot
      amounts[slot] = {tonumber(requests), tonumber(tokens)}
    end
  end
  table.sort(slots)
end

local function add(slot, requests, tokens)
  local had = amounts[slot] or {0, 0}
  local sums = {math.max(0, had[1] + requests), math.max(0, had[2] + tokens)}
  amounts[slot] = sums
  if sums[1] > 0 or sums[2] > 0 then
    redis.call('HSET', key, text(slot), text(sums[1]) .. ' ' .. text(sums[2]))
  else
    redis.call('HDEL', key, text(slot))
  end
end

local function keep(slot)
  local last = math.max(slot, slots[#slots] or slot)
  redis.call('PEXPIRE', key, text(math.ceil(((last + SLOTS + 1) * grain - now) * 1000) + 1000))
end

local function booking(slot, booked)
  return {booked and text(slot) or '', string.format('%.6f', math.max(0, slot * grain - now))}
end
"""
)

BOOK = (
    _WINDOW
    + """
local tokens, most = tonumber(ARGV[4]), tonumber(ARGV[5])
read()
local first = math.max(here, slots[#slots] or here)
local requests, used = 0, 0
for _, slot in ipairs(slots) do
  if slot >= first - SLOTS then
    requests, used = requests + amounts[slot][1], used + amounts[slot][2]
  end
end
local from = first
for _, slot in ipairs(slots) do
  if slot >= from - SLOTS then
    if allows(1 + requests, tokens + used) then break end
    requests, used = requests - amounts[slot][1], used - amounts[slot][2]
    first = slot + SLOTS + 1
  end
end
if first * grain - now > most then return booking(first, false) end
add(first, 1, tokens)
keep(first)
return booking(first, true)
"""
)
"""KEYS: slots. ARGV: window, requests, tokens allowed (-1: any), tokens, longest wait. Gives: slot or '', wait."""

MOVE = (
    _WINDOW
    + """
local slot, tokens = tonumber(ARGV[4]), tonumber(ARGV[5])
read()
if slot > here and amounts[slot] then
  add(slot, -1, -tokens)
  local ends, room = {here}, true
  for _, other in ipairs(slots) do
    if other > here and other <= here + SLOTS and (amounts[other][1] > 0 or amounts[other][2] > 0) then
      ends[#ends + 1] = other
    end
  end
  for _, last in ipairs(ends) do
    local requests, used = 0, 0
    for _, other in ipairs(slots) do
      if other >= last - SLOTS and other <= last then
        requests, used = requests + amounts[other][1], used + amounts[other][2]
      end
    end
    room = room and allows(1 + requests, tokens + used)
  end
  if room then slot = here end
  add(slot, 1, tokens)
  keep(slot)
end
return booking(slot, true)
"""
)
"""KEYS: slots. ARGV: window, requests, tokens allowed (-1: any), slot, tokens. Gives: slot, wait."""

SETTLE = (
    _WINDOW
    + """
local slot = tonumber(ARGV[4])
read()
if amounts[slot] then add(slot, tonumber(ARGV[5]), tonumber(ARGV[6])) end
"""
)
"""KEYS: slots. ARGV: window, requests, tokens allowed (-1: any), slot, requests and tokens to add."""

SPEND = """
local most_tokens, most_money = tonumber(ARGV[1]), tonumber(ARGV[2])
local had = redis.call('HMGET', KEYS[1], 'tokens', 'money')
local tokens, money = tonumber(had[1] or '0'), tonumber(had[2] or '0')
local granted = (most_tokens < 0 or tokens + tonumber(ARGV[3]) <= most_tokens)
  and (most_money < 0 or money + tonumber(ARGV[4]) <= most_money)
if granted then
  redis.call('HINCRBY', KEYS[1], 'tokens', ARGV[3])
  redis.call('HINCRBY', KEYS[1], 'money', ARGV[4])
  if ARGV[5] ~= '' then redis.call('EXPIREAT', KEYS[1], ARGV[5]) end
end
return {granted and 1 or 0, had[1] or '0', had[2] or '0'}
"""
"""KEYS: account. ARGV: tokens, money allowed (-1: any), tokens, money, when it ends or ''. Gives: granted, had."""

CORRECT = """
if redis.call('EXISTS', KEYS[1]) == 1 then
  redis.call('HINCRBY', KEYS[1], 'tokens', ARGV[1])
  redis.call('HINCRBY', KEYS[1], 'money', ARGV[2])
end
"""
"""KEYS: account. ARGV: tokens and money to add."""

ENTER = (
    _CLOCK
    + """
local held, line, seen = KEYS[1], KEYS[2], KEYS[3]
local id, size, lease, patience = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])

local function at(seconds) return string.format('%.6f', seconds) end

local function keep(key, seconds)
  if redis.call('PTTL', key) < seconds * 1000 then redis.call('PEXPIRE', key, math.ceil(seconds * 1000)) end
end

redis.call('ZREMRANGEBYSCORE', held, '-inf', at(now))
for _, gone in ipairs(redis.call('ZRANGEBYSCORE', seen, '-inf', at(now - patience))) do
  redis.call('ZREM', line, gone)
  redis.call('ZREM', seen, gone)
end
local ahead = redis.call('ZRANK', line, id) or redis.call('ZCARD', line)
if redis.call('ZSCORE', held, id) or redis.call('ZCARD', held) + ahead < size then
  redis.call('ZADD', held, at(now + lease), id)
  redis.call('ZREM', line, id)
  redis.call('ZREM', seen, id)
  keep(held, lease + 1)
  return 1
end
if ARGV[5] == '1' then
  redis.call('ZADD', line, 'NX', at(now), id)
  redis.call('ZADD', seen, at(now), id)
  keep(line, 60)
  keep(seen, 60)
end
return 0
"""
)
"""KEYS: places, line, when each in it asked last. ARGV: id, size, lease, patience, whether to stand in line."""

LEAVE = """
for _, key in ipairs(KEYS) do redis.call('ZREM', key, ARGV[1]) end
"""
"""KEYS: places, line, when each in it asked last. ARGV: id."""

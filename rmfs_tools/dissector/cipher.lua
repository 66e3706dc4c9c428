-- AES-128 and CCM, to open records. Lua in Wireshark 4.0 brings no cipher.
-- Source: FIPS 197; RFC 3610. Octet strings go in and come out.

local band, bor, bxor = bit.band, bit.bor, bit.bxor
local lshift, rshift = bit.lshift, bit.rshift

local function double(octet)
  local twice = band(lshift(octet, 1), 0xff)
  if octet >= 0x80 then twice = bxor(twice, 0x1b) end
  return twice
end

local SBOX = {}
do
  -- 3 generates the field, and 0xf6 is its inverse: both walk it in step.
  local p, q = 1, 1
  repeat
    p = bxor(p, double(p))
    q = bxor(q, lshift(q, 1))
    q = bxor(q, lshift(q, 2))
    q = band(bxor(q, lshift(q, 4)), 0xff)
    if q >= 0x80 then q = bxor(q, 0x09) end
    local x = q
    for turn = 1, 4 do
      x = bxor(x, band(bor(lshift(q, turn), rshift(q, 8 - turn)), 0xff))
    end
    SBOX[p] = bxor(x, 0x63)
  until p == 1
  SBOX[0] = 0x63
end

local function expand(key)
  local w = { key:byte(1, 16) }
  local constant = 1
  for at = 17, 176 do
    local t = w[at - 4]
    if (at - 1) % 16 < 4 then
      -- The first word of a round key: the last word turned by one octet, substituted.
      local turned = (at - 1) % 4 == 3 and w[at - 7] or w[at - 3]
      t = SBOX[turned]
      if (at - 1) % 16 == 0 then
        t = bxor(t, constant)
        constant = double(constant)
      end
    end
    w[at] = bxor(w[at - 16], t)
  end
  return w
end

local function encrypt_block(w, block)
  local s = {}
  for n = 1, 16 do s[n] = bxor(block[n], w[n]) end
  for round = 1, 10 do
    local t = {}
    for column = 0, 3 do
      for row = 0, 3 do
        t[4 * column + row + 1] = SBOX[s[4 * ((column + row) % 4) + row + 1]]
      end
    end
    if round < 10 then
      for column = 1, 13, 4 do
        local a, b, c, d = t[column], t[column + 1], t[column + 2], t[column + 3]
        local all = bxor(bxor(a, b), bxor(c, d))
        t[column] = bxor(bxor(a, all), double(bxor(a, b)))
        t[column + 1] = bxor(bxor(b, all), double(bxor(b, c)))
        t[column + 2] = bxor(bxor(c, all), double(bxor(c, d)))
        t[column + 3] = bxor(bxor(d, all), double(bxor(d, a)))
      end
    end
    for n = 1, 16 do s[n] = bxor(t[n], w[16 * round + n]) end
  end
  return s
end

-- Open a record: nonce of 13 octets, so that lengths have 2; nil if the tag is wrong.
local function open_ccm(key, nonce, sealed, aad)
  local octets = #sealed - T.record.tag
  if octets < 0 then return nil end
  local w = expand(key)
  local function counter_block(number)
    local block = { 1, nonce:byte(1, 13) }
    block[15], block[16] = rshift(number, 8), band(number, 0xff)
    return encrypt_block(w, block)
  end
  local plain = {}
  for begin = 0, octets - 1, 16 do
    local stream = counter_block(begin / 16 + 1)
    for n = 1, math.min(16, octets - begin) do
      plain[begin + n] = bxor(sealed:byte(begin + n), stream[n])
    end
  end
  local first = { 0x40 + 8 * ((T.record.tag - 2) / 2) + 1, nonce:byte(1, 13) }
  first[15], first[16] = rshift(octets, 8), band(octets, 0xff)
  local mac = encrypt_block(w, first)
  local function absorb(values, count)
    for begin = 0, count - 1, 16 do
      for n = 1, math.min(16, count - begin) do
        mac[n] = bxor(mac[n], values[begin + n])
      end
      mac = encrypt_block(w, mac)
    end
  end
  absorb({ 0, #aad, aad:byte(1, #aad) }, #aad + 2)
  absorb(plain, octets)
  local mask = counter_block(0)
  for n = 1, T.record.tag do
    if bxor(mac[n], mask[n]) ~= sealed:byte(octets + n) then return nil end
  end
  local parts = {}
  for n = 1, octets do parts[n] = string.char(plain[n]) end
  return table.concat(parts)
end

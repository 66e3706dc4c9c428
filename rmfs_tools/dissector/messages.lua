-- Packets, records and messages, walked by their tables.

local function malformed(tree, words)
  tree:add_proto_expert_info(X.malformed, words)
  return "malformed"
end

local function check_field(tree, item, range, one)
  if one.kind == "AMOUNT" and range:uint64() > UInt64.new(T.amount_max) then
    malformed(item, one.name .. " is more than an amount can be [DLG-2.1]")
  elseif one.kind == "LICENCE" and not range:raw():match("^%u%d%d%d%d%d%d$") then
    malformed(item, one.name .. " is no licence identifier")
  elseif one.values and not one.values[range:uint()] then
    malformed(item, one.name .. " has no such value [DLG-2.1]")
  end
end

local function show_rupees(range)
  local paise = range:uint64()
  local rupees = tostring(paise / 100)
  local grouped = rupees:reverse():gsub("(%d%d%d)", "%1,"):reverse():gsub("^,", "")
  return string.format(" (Rs %s.%02d)", grouped, (paise % 100):tonumber())
end

local function add_field(tree, name, range, one)
  local item
  if one.kind == "TIME" and range:uint() == 0 then
    item = tree:add(F[name], range):append_text(" (not set)")
  else
    item = tree:add(F[name], range)
    if one.kind == "AMOUNT" then item:append_text(show_rupees(range)) end
  end
  check_field(tree, item, range, one)
end

-- Show a message; its name comes back for the column.
local function show_message(tree, range)
  local item = tree:add(F["message"], range)
  local code = range(0, 1):uint()
  local message = T.messages[code]
  item:add(F["message.type"], range(0, 1))
  if not message then
    local elective = code >= T.elective.least and code <= T.elective.most
    if not elective then malformed(item, "unknown message type [DLG-2.2]") end
    return string.format("type 0x%02x", code)
  end
  item:set_text("Message " .. message.name .. ", by the " .. message.sender)
  if range:len() ~= message.octets then
    malformed(item, string.format(
      "%s has %d octets, not %d [DLG-2.1]", message.name, message.octets, range:len()
    ))
    return message.name .. " malformed"
  end
  local at = 1
  for _, one in ipairs(message.fields) do
    local name = lower(message.name) .. "." .. one.name
    add_field(item, name, range(at, one.octets), one)
    at = at + one.octets
  end
  return message.name
end

local function nonce_of(iv, counter)
  local low = bit.bxor(iv:byte(#iv), bit.band(counter, 0xff))
  local high = bit.bxor(iv:byte(#iv - 1), bit.rshift(counter, 8))
  return iv:sub(1, #iv - 2) .. string.char(high, low)
end

local function show_record(tree, range, packet)
  local item = tree:add(F["record"], range)
  local counter = range(0, T.record.counter)
  item:set_text("Record " .. counter:uint())
  item:add(F["record.counter"], counter)
  local sealed = range(T.record.counter)
  item:add(F["record.sealed"], sealed)
  local found = packet.g_x and find_keys(packet.g_x, packet.from)
  if not found then
    item:add(F["record.encrypted"], range, true)
    item:append_text(", encrypted")
    return counter:uint() .. ", encrypted"
  end
  local aad = packet.octets:sub(1, 1) .. counter:raw()
  local nonce = nonce_of(found.iv, counter:uint())
  local body = open_ccm(found.key, nonce, sealed:raw(), aad)
  if not body then
    item:add_proto_expert_info(X.tag)
    return counter:uint() .. ", does not verify"
  end
  item:add(F["record.encrypted"], range, false)
  local opened = ByteArray.new(body, true):tvb("Opened record")
  return counter:uint() .. ": " .. show_message(tree, opened:range())
end

-- Show a packet; words for the column come back.
local function show_packet(tree, range, packet)
  local item = tree:add(F["packet"], range)
  local kind = T.packets[range(0, 1):uint()]
  item:add(F["packet.type"], range(0, 1))
  item:add(F["packet.octets"], range, range:len())
  if not kind then
    return "packet " .. malformed(item, "unknown packet type [CHAN-2.1]")
  end
  item:set_text("Packet " .. kind.name .. ", " .. range:len() .. " octets")
  local content = range:len() - 1
  if content < kind.least or content > kind.most then
    local words = string.format(
      "%s has %d to %d octets behind its type, not %d [CHAN-2.2]",
      kind.name, kind.least, kind.most, content
    )
    return kind.name .. " " .. malformed(item, words)
  end
  if kind.name == "ERROR" then
    local code = range(1, 1)
    item:add(F["error.code"], code)
    if not T.errors[code:uint()] then malformed(item, "unknown code [CHAN-9.2]") end
    return "ERROR " .. (T.errors[code:uint()] or "?")
  end
  local edhoc = kind.record_at or content
  if edhoc > 0 then
    local greeting = item:add(F["edhoc"], range(1, edhoc))
    if kind.name == "GREETING_1" then
      greeting:add(F["edhoc.g_x"], range(1 + T.g_x.at, T.g_x.octets))
    end
  end
  if not kind.record_at then return kind.name end
  return kind.name .. " " .. show_record(item, range(1 + edhoc), packet)
end

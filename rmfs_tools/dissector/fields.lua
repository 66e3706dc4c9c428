-- Fields that can be filtered for; their names are stable: fmp1.* and fmp1_line.*.

local fmp = Proto("fmp1", "FMP/1, the franking machine protocol")
local fmp_line = Proto("fmp1_line", "FMP/1, what is no frame on its line")

fmp.prefs.keylog = Pref.string(
  "Key log", "", "File with the keys of test channels, as `rmfs ... --key-log` writes it"
)

local F = {}
local L = {}

local function lower(name) return (name:lower()) end

local function field(name, make, ...)
  F[name] = make("fmp1." .. name, ...)
end

field("from", ProtoField.string, "From", base.ASCII, "Who sent it: machine or server")
field("address", ProtoField.uint8, "Address", base.HEX)
field("control", ProtoField.bytes, "Control", base.SPACE)
field("frame", ProtoField.string, "Frame", base.ASCII, "What the control field says")
field("command", ProtoField.bool, "Command", base.NONE)
field("poll_final", ProtoField.bool, "P/F", base.NONE)
field("send_number", ProtoField.uint8, "N(S)", base.DEC)
field("receive_number", ProtoField.uint8, "N(R)", base.DEC)
field("modulus", ProtoField.uint8, "Modulus", base.DEC)
field("repeated", ProtoField.bool, "Seen before", base.NONE)
field("segment", ProtoField.uint8, "Segment", base.HEX)
field("segment.first", ProtoField.bool, "A message begins", base.NONE)
field("segment.last", ProtoField.bool, "It ends here", base.NONE)
field("segment.data", ProtoField.bytes, "Octets of a message")
field("report.latest", ProtoField.uint8, "N(S) that arrived last", base.DEC)
field("report.held", ProtoField.string, "Numbers that are held", base.ASCII)
field("frmr.control", ProtoField.bytes, "Control refused", base.SPACE)
field("frmr.reason", ProtoField.uint8, "Reason", base.DEC, T.link.faults)
field("xid.parameter", ProtoField.uint16, "Parameter", base.HEX, T.link.xid)
field("xid.value", ProtoField.bytes, "Value", base.SPACE)
field("packet", ProtoField.bytes, "Packet")
field("packet.type", ProtoField.uint8, "Type", base.HEX, T.packet_names)
field("packet.octets", ProtoField.uint16, "Octets", base.DEC)
field("edhoc", ProtoField.bytes, "EDHOC message")
field("edhoc.g_x", ProtoField.bytes, "G_X")
field("record", ProtoField.bytes, "Record")
field("record.counter", ProtoField.uint16, "Counter", base.DEC)
field("record.sealed", ProtoField.bytes, "Ciphertext and tag")
field("record.encrypted", ProtoField.bool, "Encrypted", base.NONE, nil, nil,
  "No key log has its keys")
field("error.code", ProtoField.uint8, "Code", base.DEC, T.errors)
field("message", ProtoField.bytes, "Message")
field("message.type", ProtoField.uint8, "Type", base.HEX, T.message_names)

-- The fields of each message: their form follows from the kind in its table.
local MAKERS = {
  AMOUNT = function(abbreviation, one)
    return ProtoField.uint64(
      abbreviation, one.name, base.DEC + base.UNIT_STRING, { " paise" }, nil, one.meaning
    )
  end,
  TIME = function(abbreviation, one)
    return ProtoField.absolute_time(abbreviation, one.name, base.UTC, one.meaning)
  end,
  LICENCE = function(abbreviation, one)
    return ProtoField.string(abbreviation, one.name, base.ASCII, one.meaning)
  end,
  OCTETS = function(abbreviation, one)
    return ProtoField.bytes(abbreviation, one.name, base.NONE, one.meaning)
  end,
}
MAKERS.SIGNATURE = MAKERS.OCTETS

local UINTS = {
  [1] = ProtoField.uint8,
  [2] = ProtoField.uint16,
  [4] = ProtoField.uint32,
  [8] = ProtoField.uint64,
}

function MAKERS.UINT(abbreviation, one)
  return UINTS[one.octets](
    abbreviation, one.name, base.DEC, one.values, nil, one.meaning
  )
end

for _, message in pairs(T.messages) do
  for _, one in ipairs(message.fields) do
    local name = lower(message.name) .. "." .. one.name
    F[name] = MAKERS[one.kind]("fmp1." .. name, one)
  end
end

L.event = ProtoField.uint8("fmp1_line.event", "Event", base.HEX, T.events)
L.words = ProtoField.string("fmp1_line.words", "Words", base.UNICODE)
L.why = ProtoField.uint8("fmp1_line.no_frame", "No frame", base.HEX, T.no_frame)
L.octets = ProtoField.bytes("fmp1_line.octets", "As on the line", base.SPACE)

local function all(fields)
  local list = {}
  for _, one in pairs(fields) do list[#list + 1] = one end
  return list
end

fmp.fields = all(F)
fmp_line.fields = all(L)

local group, severity = expert.group, expert.severity

local X = {
  malformed = ProtoExpert.new("fmp1.malformed", "Malformed", group.MALFORMED, severity.ERROR),
  foreign = ProtoExpert.new(
    "fmp1.foreign", "Address and kind do not fit [LINK-4.3]", group.PROTOCOL, severity.WARN
  ),
  tag = ProtoExpert.new(
    "fmp1.record.wrong", "The record does not verify [CHAN-6.3]",
    group.SECURITY, severity.ERROR
  ),
  missing = ProtoExpert.new(
    "fmp1.missing", "I frames were not seen", group.SEQUENCE, severity.WARN
  ),
  repeated = ProtoExpert.new(
    "fmp1.again", "An I frame that was seen before", group.SEQUENCE, severity.NOTE
  ),
}
local XL = {
  damaged = ProtoExpert.new(
    "fmp1_line.damaged", "No good frame", group.CHECKSUM, severity.WARN
  ),
}
fmp.experts = all(X)
fmp_line.experts = all(XL)

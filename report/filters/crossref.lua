-- Cross-references for the embedded engine: Quarto has its own, Pandoc alone has none.
--
-- Numbers figures (#fig-…), tables (#tbl-…) and sections (#sec-…) in the order of the document, turns
-- `@fig-x` into "Figure 3", and writes figures and tables the way Quarto does, so that one theme serves
-- both. A reference that leads nowhere ends the render.

local words = { fig = "Figure", tbl = "Table", sec = "Section" }
local nbsp = "\u{a0}"
local numbers = {}      -- identifier -> the number as text, such as "4.1"
local unresolved = {}   -- identifiers in the order found

-- Quarto replaces `error` by a message and goes on, so the filters end the render themselves.
local function fail(message)
  io.stderr:write("alliances: " .. message .. "\n")
  os.exit(83)
end

local function kind_of(identifier)
  local kind = identifier:match("^(%a+)%-.")
  return words[kind] and kind or nil
end

-- ---------------------------------------------------------------- counting

local function count(doc)
  local headings = {}
  local floats = { fig = 0, tbl = 0 }
  local function number_float(identifier, kind)
    floats[kind] = floats[kind] + 1
    numbers[identifier] = tostring(floats[kind])
  end
  doc:walk({
    traverse = "topdown",
    Header = function(header)
      if header.classes:includes("unnumbered") then return nil end
      for level = 1, header.level do headings[level] = headings[level] or 0 end
      headings[header.level] = headings[header.level] + 1
      for level = header.level + 1, #headings do headings[level] = nil end
      if kind_of(header.identifier) == "sec" then
        numbers[header.identifier] = table.concat(headings, ".")
      end
    end,
    Figure = function(figure)
      if kind_of(figure.identifier) == "fig" then number_float(figure.identifier, "fig") end
    end,
    Div = function(div)
      local kind = kind_of(div.identifier)
      if kind == "tbl" or kind == "fig" then number_float(div.identifier, kind) end
    end,
  })
end

-- ---------------------------------------------------------------- references

local function reference(cite)
  for _, citation in ipairs(cite.citations) do
    if not kind_of(citation.id) then return nil end -- an ordinary citation: citeproc's business
  end
  local inlines = pandoc.Inlines({})
  for index, citation in ipairs(cite.citations) do
    local identifier = citation.id
    local number = numbers[identifier]
    if not number then
      unresolved[#unresolved + 1] = "@" .. identifier
      number = "?"
    end
    if index > 1 then inlines:extend({ pandoc.Str(","), pandoc.Space() }) end
    if #citation.prefix > 0 then
      inlines:extend(citation.prefix)
      inlines:insert(pandoc.Str(nbsp))
    end
    local text = number
    if citation.mode ~= "SuppressAuthor" and #citation.prefix == 0 then
      text = words[kind_of(identifier)] .. nbsp .. number
    end
    inlines:insert(pandoc.Link({ pandoc.Str(text) }, "#" .. identifier, "", { class = "xref" }))
  end
  return inlines
end

-- ---------------------------------------------------------------- figures and tables

local function raw(text) return pandoc.RawBlock(FORMAT:match("typst") and "typst" or "html", text) end

local function float(identifier, kind, content, caption)
  local blocks = pandoc.Blocks({})
  local before = kind == "tbl"
  if FORMAT:match("typst") then
    blocks:insert(raw("#figure(["))
    blocks:extend(content)
    blocks:insert(raw("], caption: figure.caption(position: " .. (before and "top" or "bottom") .. ", ["))
    blocks:insert(pandoc.Plain(caption))
    blocks:insert(raw('], separator: [: ]), kind: "quarto-float-' .. kind .. '", supplement: "'
      .. words[kind] .. '")<' .. identifier .. ">\n\n"))
    return blocks
  end
  local label = pandoc.Inlines({ pandoc.Str(words[kind] .. nbsp .. numbers[identifier] .. ":"), pandoc.Space() })
  label:extend(caption)
  local captioned = pandoc.Blocks({
    raw('<figcaption id="' .. identifier .. '-caption">'), pandoc.Plain(label), raw("</figcaption>"),
  }) -- finish.lua gives Quarto's floats this same shape
  blocks:insert(raw('<figure id="' .. identifier .. '" class="float float-' .. kind .. '">'))
  if before then blocks:extend(captioned) end
  blocks:extend(content)
  if not before then blocks:extend(captioned) end
  blocks:insert(raw("</figure>"))
  return blocks
end

local function typst_string(text) return '"' .. text:gsub("\\", "\\\\"):gsub('"', '\\"') .. '"' end

local function figure(element)
  if kind_of(element.identifier) ~= "fig" then return nil end
  local content = element.content:walk({
    Image = function(image)
      image.attributes["alt"] = image.attributes["fig-alt"] or image.attributes["alt"]
      image.attributes["fig-alt"] = nil
      image.caption = {} -- Pandoc repeats the caption here; the alternative text is another thing
      if FORMAT:match("typst") then -- Pandoc's writer drops the alternative text
        return pandoc.RawInline("typst", "#image(" .. typst_string(image.src) .. ", alt: "
          .. typst_string(image.attributes["alt"] or "") .. ")")
      end
      return image
    end,
  })
  local caption = pandoc.utils.blocks_to_inlines(element.caption.long)
  return float(element.identifier, "fig", content, caption), false
end

local function div(element)
  local kind = kind_of(element.identifier)
  if kind ~= "tbl" then return nil end
  local content = element.content
  local last = content[#content]
  if #content < 2 or (last.t ~= "Para" and last.t ~= "Plain") then
    fail("the table " .. element.identifier .. " has no caption; end its div with a paragraph")
  end
  local body = pandoc.Blocks({})
  for index = 1, #content - 1 do body:insert(content[index]) end
  body = body:walk({
    Table = function(block)
      block.classes:insert("typst:no-figure") -- the figure around it is ours
      return block
    end,
  })
  return float(element.identifier, "tbl", body, last.content), false
end

function Pandoc(doc)
  local known = doc.meta["piece-numbers"] -- where the document is a part of the report, the whole has been counted
  if known then
    for identifier, number in pairs(known) do numbers[identifier] = pandoc.utils.stringify(number) end
  else
    count(doc)
  end
  doc = doc:walk({ Cite = reference })
  if #unresolved > 0 then
    fail("cross-references that lead nowhere: " .. table.concat(unresolved, ", "))
  end
  return doc:walk({ traverse = "topdown", Figure = figure, Div = div })
end

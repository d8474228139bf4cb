-- Cross-references for the embedded engine: Quarto has its own, Pandoc alone has none.
--
-- Turns `@fig-x` into "Figure 3" and writes figures (#fig-…) and tables (#tbl-…) the way Quarto does, so that one
-- theme serves both. The numbers come with the document: it is a part of the report, and the engine has counted the
-- whole and knows that each reference has an end. So do short citations (`[@source]`), which citeproc has made out once.

local words = { fig = "Figure", tbl = "Table", sec = "Section" }
local nbsp = "\u{a0}"
local numbers = {}      -- identifier -> the number as text, such as "4.1"
local short = {}        -- source -> its citation

-- Quarto replaces `error` by a message and goes on, so the filters end the render themselves.
local function fail(message)
  io.stderr:write("alliances: " .. message .. "\n")
  os.exit(83)
end

local function kind_of(identifier)
  local kind = identifier:match("^(%a+)%-.")
  return words[kind] and kind or nil
end

-- ---------------------------------------------------------------- references

local function reference(cite)
  for _, citation in ipairs(cite.citations) do
    if not kind_of(citation.id) then -- an ordinary citation: citeproc's business, unless it is done already
      cite.content = short[citation.id] or cite.content
      return cite
    end
  end
  local inlines = pandoc.Inlines({})
  for index, citation in ipairs(cite.citations) do
    local identifier = citation.id
    if index > 1 then inlines:extend({ pandoc.Str(","), pandoc.Space() }) end
    if #citation.prefix > 0 then
      inlines:extend(citation.prefix)
      inlines:insert(pandoc.Str(nbsp))
    end
    local text = numbers[identifier]
    if citation.mode ~= "SuppressAuthor" and #citation.prefix == 0 then
      text = words[kind_of(identifier)] .. nbsp .. text
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
  for identifier, number in pairs(doc.meta["piece-numbers"]) do
    numbers[identifier] = pandoc.utils.stringify(number)
  end
  short = doc.meta["piece-citations"] or {}
  return doc:walk({ Cite = reference }):walk({ traverse = "topdown", Figure = figure, Div = div })
end

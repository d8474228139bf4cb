-- What both engines need once figures, tables and cross-references are resolved. It runs after Quarto's own
-- filters or after crossref.lua, and before citations in both.
--
-- Both:  a link to an anchor that does not exist, or an anchor given twice, ends the render; columns of tables
--        take the width of their content.
-- HTML:  charts become inline SVG, so that they use the page's fonts and a script can reach them; wide tables and
--        charts scroll inside their own box instead of pushing the page; Quarto's floats get crossref.lua's shape.
-- Typst: annexes and their entries are set small and compact by the theme's `annex` and `entries`.

local is_html = FORMAT:match("html") ~= nil
local is_typst = FORMAT:match("typst") ~= nil

-- Quarto replaces `error` by a message and goes on, so the filters end the render themselves.
local function fail(message)
  io.stderr:write("alliances: " .. message .. "\n")
  os.exit(83)
end

-- ---------------------------------------------------------------- anchors

local function check_anchors(doc)
  local seen, twice, targets, missing = {}, {}, {}, {}
  local function define(identifier)
    if identifier == "" then return end
    if seen[identifier] then twice[#twice + 1] = "#" .. identifier end
    seen[identifier] = true
  end
  local function element(e) define(e.identifier) end
  local function raw(e) -- floats are raw by now
    for identifier in e.text:gmatch('%sid="([^"]+)"') do define(identifier) end
    define(e.text:match("%)<(%a[%w%-_:%.]*)>%s*$") or e.text:match("^<(%a[%w%-_:%.]*)>$") or "")
  end
  doc:walk({
    Header = element, Div = element, Span = element, Figure = element, Image = element, Table = element,
    Code = element, CodeBlock = element, RawBlock = raw, RawInline = raw,
    Link = function(link)
      element(link)
      targets[#targets + 1] = link.target:match("^#(.+)$")
    end,
    Cite = function(cite) -- citeproc will make these
      for _, citation in ipairs(cite.citations) do seen["ref-" .. citation.id] = true end
    end,
  })
  for _, target in ipairs(targets) do
    if not seen[target] then
      seen[target] = true
      missing[#missing + 1] = "#" .. target
    end
  end
  if #twice > 0 then fail("anchors given twice: " .. table.concat(twice, ", ")) end
  if #missing > 0 then fail("links to anchors that do not exist: " .. table.concat(missing, ", ")) end
end

-- ---------------------------------------------------------------- tables

-- Pipe tables with long lines get the widths of their dashes in one engine and not in the other; Quarto marks
-- odd and even rows.
local function plain_table(block)
  block.colspecs = block.colspecs:map(function(column) return { column[1], nil } end)
  if is_html then
    block.classes = {}
    for _, row in ipairs(block.head.rows) do row.classes = {} end
    for _, body in ipairs(block.bodies) do
      for _, row in ipairs(body.body) do row.classes = {} end
    end
  end
  return block
end

-- ---------------------------------------------------------------- HTML

local function escape(text)
  return (text:gsub("&", "&amp;"):gsub("<", "&lt;"):gsub(">", "&gt;"):gsub('"', "&quot;"))
end

-- Ids inside an SVG (clips, gradients) are unique only in their own file.
local function own_ids(svg, prefix)
  return (svg:gsub('(%sid=")', "%1" .. prefix)
    :gsub("(url%(['\"]?#)", "%1" .. prefix)
    :gsub('(href="#)', "%1" .. prefix))
end

local function inline_svg(image)
  local name = image.src:match("([^/]+)%.svg$")
  if not name then return nil end
  local handle = io.open(image.src, "rb")
  if not handle then fail("the figure " .. image.src .. " does not exist") end
  local svg = own_ids(handle:read("a"):gsub("^.-(<svg)", "%1", 1):gsub("%s+$", ""), name .. "-")
  handle:close()
  local alt = image.attributes["alt"] or image.attributes["fig-alt"] or ""
  if alt == "" then fail("the figure " .. image.src .. " has no alternative text (fig-alt)") end
  local opening = svg:match("^<svg[^>]*>")
  local attributes = opening:sub(5, -2):gsub('%sclass="[^"]*"', ""):gsub('%sxmlns[:%a]*="[^"]*"', "")
    :gsub('%srole="[^"]*"', ""):gsub('%saria%-%a+="[^"]*"', "")
  -- To a screen reader the chart is one image with one text; Vega's roles for its parts would contradict that.
  local inner = svg:sub(#opening + 1):gsub('%srole="[^"]*"', ""):gsub('%saria%-%a+="[^"]*"', "")
    :gsub("xlink:href=", "href=")
  return pandoc.RawInline("html", '<svg class="chart" role="img" aria-label="' .. escape(alt)
    .. '" data-figure="' .. name .. '"' .. attributes .. ">" .. inner)
end

-- A box that scrolls sideways must be reachable by keyboard; report.js takes the tab stop away where it need not.
local function scroll_box(class, caption, blocks)
  local name = caption and { "aria-labelledby", caption } or { "aria-label", "Table" }
  return pandoc.Div(blocks, pandoc.Attr("", { class }, { { "role", "group" }, { "tabindex", "0" }, name }))
end

-- Quarto's float: div > figure > (div[aria-describedby] with the content, div with the figcaption).
local function quarto_float(div)
  local kind = div.classes:includes("quarto-float") and div.identifier:match("^(%a+)%-")
  if not kind then return nil end
  local content, caption
  div:walk({
    Div = function(inner)
      local first = inner.content[1]
      if inner.attributes["aria-describedby"] then
        content = inner.content
      elseif first and first.t == "RawBlock" and first.text:match("^<figcaption") then
        caption = inner.content[2]
      end
    end,
  })
  if not (content and caption) then return nil end
  local open = pandoc.RawBlock("html", '<figure id="' .. div.identifier .. '" class="float float-' .. kind .. '">')
  local label = { pandoc.RawBlock("html", '<figcaption id="' .. div.identifier .. '-caption">'), caption,
    pandoc.RawBlock("html", "</figcaption>") }
  local blocks = pandoc.Blocks({ open })
  if kind == "tbl" then blocks:extend(label) end
  blocks:extend(content)
  if kind ~= "tbl" then blocks:extend(label) end
  blocks:insert(pandoc.RawBlock("html", "</figure>"))
  return blocks
end

-- "Figure 3:" as a part of its own, for the style sheet; source and note on lines of their own.
local function with_label(inlines)
  local own_line = { ["Source:"] = true, ["Sources:"] = true, ["Note:"] = true, ["Notes:"] = true }
  for index = 2, #inlines do
    local before = inlines[index - 1].t
    if own_line[inlines[index].text] and (before == "Space" or before == "SoftBreak") then
      inlines[index - 1] = pandoc.LineBreak()
    end
  end
  for index, inline in ipairs(inlines) do
    if inline.t == "Str" and inline.text:match(":$") then
      local label, rest = pandoc.Inlines({}), pandoc.Inlines({})
      for other, part in ipairs(inlines) do (other <= index and label or rest):insert(part) end
      rest:insert(1, pandoc.Span(label, { class = "label" }))
      return rest
    end
  end
  return inlines
end

-- Put what stands between <figure id="…"> and </figure>, its caption apart, into a box that scrolls.
local function box_floats(blocks)
  local result = pandoc.Blocks({})
  local caption, kind
  local before = ""
  for _, block in ipairs(blocks) do
    local text = block.t == "RawBlock" and block.text or ""
    if before:match("^<figcaption") and block.t == "Plain" then block.content = with_label(block.content) end
    before = text
    local identifier, found = text:match('^<figure id="([^"]+)" class="float float%-(%a+)">')
    if identifier then
      caption, kind = identifier .. "-caption", found
    elseif text == "</figure>" then
      caption = nil
    elseif caption and kind == "fig" and (block.t == "Plain" or block.t == "Para") and block.content[1]
      and block.content[1].t == "Image" then
      block = scroll_box("chart-box", caption, { pandoc.Plain(block.content) })
    elseif caption and kind == "tbl" and block.t == "Table" then
      block = scroll_box("table-box", caption, { block })
    end
    result:insert(block)
  end
  return result
end

local function plain_names(link)
  if not link.classes:includes("quarto-xref") then return nil end
  link.classes = { "xref" }
  return link
end

-- ---------------------------------------------------------------- Typst

-- An annex is all that stands from a heading with an id sec-annex-… to the next chapter.
local function set_annexes(blocks)
  local result = pandoc.Blocks({})
  local open = false
  local function close()
    if open then result:insert(pandoc.RawBlock("typst", "]")) end
    open = false
  end
  for _, block in ipairs(blocks) do
    local chapter = block.t == "Header" and block.level == 1
    if chapter then close() end
    result:insert(block)
    if chapter and block.identifier:match("^sec%-annex%-") then
      result:insert(pandoc.RawBlock("typst", "#annex["))
      open = true
    end
  end
  close()
  return result
end

-- Entries of evidence, derived figures and reference facts (`::: {.evidence}`).
local function set_entries(div)
  if not div.classes:includes("evidence") then return nil end
  local blocks = pandoc.Blocks({ pandoc.RawBlock("typst", "#entries[") })
  blocks:extend(div.content)
  blocks:insert(pandoc.RawBlock("typst", "]"))
  return blocks
end

-- ---------------------------------------------------------------- both

function Pandoc(doc)
  if not doc.meta["piece-numbers"] then check_anchors(doc) end -- in a part of the report, the whole has been checked
  if is_html then
    doc = doc:walk({ Div = quarto_float, Link = plain_names, Table = plain_table })
    return doc:walk({
      traverse = "topdown",
      Blocks = box_floats,
      Div = function(div) if div.classes:includes("table-box") then return div, false end end,
      Table = function(block) return scroll_box("table-box", nil, { block }), false end,
      Image = inline_svg,
    })
  end
  if is_typst then
    doc = doc:walk({ Table = plain_table, Div = set_entries })
    doc.blocks = set_annexes(doc.blocks)
  end
  return doc
end
